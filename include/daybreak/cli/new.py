"""The commands that start a pipeline: `new` from a CSV file, `load-csv` for the files that come after it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.cli.arguments import Name, open_workspace
from daybreak.errors import ConfigurationError
from daybreak.settings import Settings

if TYPE_CHECKING:
    from datetime import date

    from daybreak.declaration.pipeline import Pipeline
    from daybreak.starting.csv_file import CsvFile
    from daybreak.starting.scaffold import Target

starting = typer.Typer()

AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Day at whose end it was as the file tells; default: the last one.")
]
Delimiter = Annotated[str, typer.Option(help="What separates the columns.")]


@starting.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new pipeline, for example churn.")],
    from_csv: Annotated[Path, typer.Option("--from-csv", help="The file: UTF-8, its first line names the columns.")],
    key: Annotated[str, typer.Option(help="Column that tells the rows apart.")],
    target: Annotated[str, typer.Option(help="Column to predict; it has two values.")],
    positive: Annotated[
        str | None, typer.Option(help="The target's value whose probability is predicted; default: yes, true or 1.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of the partitions' days.")] = "UTC",
    as_of: AsOf = None,
    delimiter: Delimiter = ",",
    load: Annotated[bool, typer.Option(help="Load the file's rows into the warehouse.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be written.")] = False,
) -> None:
    """Make a pipeline from a CSV file: declaration, query and DAG, and its source table.

    Everything is proposed from the rows there are, and is yours to edit. Nothing that exists is overwritten.
    """
    from daybreak.cli.display import out
    from daybreak.starting.csv_file import read_csv
    from daybreak.starting.scaffold import find_target, render
    from daybreak.starting.scaffold_files import Scaffold
    from daybreak.tables.source_table import load_rows

    settings = Settings()
    scaffold = Scaffold(settings.project, settings.pipelines, name)
    with scaffold.alone():
        scaffold.refuse_name()
        day = _day(as_of, timezone)
        file = read_csv(from_csv, key, delimiter)
        chosen = find_target(file, target, positive)
        files = render(name, settings.pipelines, timezone, file, chosen)
        _print_file(from_csv, file, chosen)
        if not dry_run:
            if load:
                with open_workspace() as workspace:
                    load_rows(workspace.warehouse, name, file.rows, day, key=file.key, originals=file.originals)
            scaffold.place(files)
    out.print("Would write:" if dry_run else "Written:")
    for path, text in files.items():
        out.print(f"  {path}  ({len(text.splitlines())} lines)")
    out.print(f"{'Would change' if dry_run else 'Changed'}: {scaffold.register.relative_to(settings.project)}")
    out.print(f"{'Would load' if dry_run else 'Loaded'}: sources.{name}, as of {day}" if load else "Nothing loaded.")
    if not dry_run:
        steps = [f"train {name}", f"run {name}", f"show {name} {_day(None, timezone)}"]
        steps = steps if load else [f"load-csv {name} {from_csv} --as-of {day}", *steps]
        out.print("Next:\n" + "\n".join(f"  daybreak {step}" for step in steps), soft_wrap=True, markup=False)


@starting.command("load-csv")
def load_csv(
    pipeline: Name,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file with the columns of the pipeline's first one.")],
    as_of: AsOf = None,
    delimiter: Delimiter = ",",
) -> None:
    """Load a newer CSV file into the source table of a pipeline, which is made where it is missing.

    Partitions from its day on read it; those before keep reading what they read.
    """
    from daybreak.cli.display import out
    from daybreak.starting.csv_file import read_csv
    from daybreak.tables.source_table import load_rows

    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        table = _source_table(declared)
        day = _day(as_of, declared.timezone)
        file = read_csv(path, declared.entity_key[0], delimiter)
        rows = load_rows(workspace.warehouse, table, file.rows, day, key=file.key, originals=file.originals)
    out.print(f"sources.{table}: {rows:,} rows as of {day}.", markup=False)


def _source_table(pipeline: "Pipeline") -> str:
    from daybreak.declaration.source_tables import StateTable

    reads = pipeline.reads
    if isinstance(reads, StateTable) and reads.as_of == StateTable.as_of:
        schema, _, table = reads.table.partition(".")
        # Rows of any other schema are somebody else's, and not ours to replace.
        if schema == "sources":
            return table
    raise ConfigurationError(
        f"{pipeline.name} does not read from a CSV file.",
        next_step="load its source as its extract.sql says, or declare "
        f'`reads=StateTable(table="sources.{pipeline.name}")` and query that table.',
        pipeline=pipeline.name,
    )


def _day(as_of: str | None, timezone: str) -> "date":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from daybreak.declaration.partition import resolve_partition

    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"There is no time zone '{timezone}'.", next_step="name one, such as `--timezone America/New_York`."
        ) from error
    return resolve_partition(as_of, timezone, as_of=datetime.now(UTC)).day


def _print_file(path: Path, file: "CsvFile", target: "Target") -> None:
    from daybreak.cli.display import out

    rows, names = file.rows, file.originals
    share = f"{target.positives:,} of them ({target.positives / rows.num_rows:.1%})"
    out.print(
        f"{path.name}: {rows.num_rows:,} rows, {rows.num_columns} columns. "
        f"{names[target.column]} is {target.positive} in {share}.",
        markup=False,
    )
    for column in rows.column_names:
        if rows[column].null_count:
            out.print(f"  {names[column]} is empty in {rows[column].null_count:,} rows: null.", markup=False)
