"""The commands for models that Daybreak did not train: register a saved one, adopt a version that others registered."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.batch.signature import Signature
from daybreak.cli.arguments import Json, open_workspace
from daybreak.declaration.partition import parse_day
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

    from daybreak.declaration.pipeline import Pipeline
    from daybreak.training.brought import Brought
    from daybreak.workspace import Workspace

bringing = typer.Typer()

Model = Annotated[str, typer.Argument(metavar="MODEL", help="The registered model, as a pipeline declares it.")]
Through = Annotated[
    str,
    typer.Option("--trained-through", metavar="DAY", help="Last day that it has seen anything of, targets included."),
]


@bringing.command()
def register(
    model: Model,
    place: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="FILE_OR_URI",
            help="A skops, joblib or pickle file; a folder that MLflow saved it into; or models:/…, runs:/….",
        ),
    ],
    trained_through: Through,
    sample: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Rows of its input (.parquet, .csv, .jsonl); with the target too, it is measured."
        ),
    ] = None,
    sample_from_extract: Annotated[
        bool, typer.Option("--sample-from-extract", help="Take the rows that extract.sql gives of the last partition.")
    ] = False,
    alias: Annotated[
        str, typer.Option(help="What it is then: the challenger, or the champion at once.")
    ] = "challenger",
    mlflow: Annotated[
        str | None, typer.Option(metavar="URL", help="The MLflow that the URI is of; Daybreak's own by default.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Open and try it, and register nothing.")] = False,
    json: Json = False,
) -> None:
    """Register a model that was fitted elsewhere, after a trial by the rules of a run."""
    from daybreak.cli.display import out, print_json, print_table
    from daybreak.cli.progress import steps_progress
    from daybreak.training.bringing import bring
    from daybreak.training.brought import find
    from daybreak.training.brought_notices import notices
    from daybreak.training.offered import Offered, open_offered

    if sample is not None and sample_from_extract:
        raise typer.BadParameter("give a file or take the rows of extract.sql, not both", param_hint="--sample")
    through = _past_day(trained_through)
    with open_workspace() as workspace:
        pipeline = _pipeline_of(workspace, model)
        ref = ModelRef(model, alias)
        brought = find(place, mlflow or workspace.registry_url)
        rows = _rows(workspace, pipeline, brought, sample, from_extract=sample_from_extract)
        offered = Offered(brought, rows, through)
        if dry_run:
            opened = open_offered(workspace, pipeline, ref, offered)
            taken = Signature.of(opened.rows.schema)
            _warn(notices(workspace, pipeline, taken, rows if sample else None))
            out.print(
                f"It would be registered: a {type(opened.model).__name__} of {opened.rows.num_columns} columns, tried "
                f"on {opened.rows.num_rows:,} rows. Nothing was written."
            )
            return
        with steps_progress(f"registering {model}") as progress:
            version, metrics = bring(workspace, pipeline, ref, offered, progress=progress)
        found = notices(workspace, pipeline, version.signature, rows if sample else None)
    if json:
        told = {"model": model, "version": version.version, "alias": alias, "digest": version.digest}
        print_json(told | {"metrics": metrics, "warnings": found})
        return
    out.print(f"{model} version {version.version}, trained through {through}, is the {alias} now.")
    if metrics:
        shown: list[list[object]] = [[name, value] for name, value in metrics.items()]
        print_table(f"measured on the {rows.num_rows:,} rows of the sample", ["metric", "model"], shown)
    _warn(found)
    then = f"daybreak run {pipeline.name}" if alias == "champion" else f"daybreak promote {pipeline.name}"
    out.print(f"Next: `{then}`.")


@bringing.command()
def adopt(
    model: Model,
    version: Annotated[int, typer.Option("--version", min=1, help="The version that runs may use from now on.")],
    trained_through: Annotated[
        str | None,
        typer.Option(
            "--trained-through",
            metavar="DAY",
            help="Last day that it has seen anything of, where its registration does not say so.",
        ),
    ] = None,
) -> None:
    """Trust a version as it is now, which Daybreak did not register on this warehouse, and write that down.

    Its files and tags are checked as for a run; afterwards neither may change.
    """
    from daybreak.cli.display import out

    through = None if trained_through is None else _past_day(trained_through)
    with open_workspace() as workspace:
        found = workspace.registry.adopt(model, version, trained_through=through)
        using = [name for name, one in workspace.pipelines.items() if model in {ref.name for ref in one.model_refs}]
    out.print(f"{model} version {version} is adopted, trained through {found.trained_through}, digest {found.digest}.")
    for name in using:
        out.print(f"Next: `daybreak promote {name} --version {version}` judges it, and makes it the champion.")


def _warn(found: list[str]) -> None:
    from daybreak.cli.display import out

    for told in found:
        out.print(f"Warning: {told}", soft_wrap=True, markup=False)


def _past_day(text: str) -> date:
    day = parse_day(text)
    # Wherever it is that day already.

    if day > (datetime.now(UTC) + timedelta(hours=14)).date():
        raise ConfigurationError(
            f"No model has seen {day} yet.",
            next_step="give the last day of the rows and targets that it was fitted on.",
        )
    return day


def _pipeline_of(workspace: "Workspace", model: str) -> "Pipeline":
    using = [found for found in workspace.pipelines.values() if model in {ref.name for ref in found.model_refs}]
    if not using:
        raise ConfigurationError(
            f"No pipeline declares a model {model}.",
            next_step=f'declare `model=ModelRef("{model}")` in the pipeline that it is for: what is asked of a model '
            "follows from there.",
        )
    return using[0]


def _rows(
    workspace: "Workspace", pipeline: "Pipeline", brought: "Brought", file: Path | None, *, from_extract: bool
) -> "pa.Table":
    from daybreak.training.samples import from_example, from_file
    from daybreak.training.samples import from_extract as extracted

    if file is not None:
        return from_file(file)
    if from_extract:
        return extracted(workspace, pipeline)
    example = from_example(brought.example, brought.columns) if brought.example else None
    if example is None:
        raise ConfigurationError(
            f"Nothing says what rows the model of {brought.place} takes.",
            next_step="give some by `--sample FILE`, or `--sample-from-extract`.",
        )
    return example
