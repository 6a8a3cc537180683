"""Table layout: the columns that a pipeline's table, its shadow and its view are to have, by its declaration."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from daybreak.declaration.cadence import Hour
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, SourceRefused
from daybreak.tables.names import copied_columns, predictions_table, runs_name, shadow_columns, shadow_name
from daybreak.warehouse.described import Described, refuse_uncopied
from daybreak.warehouse.identifiers import quoted, refuse_long

_LEAKAGE = "True where the run was told to accept a model that had seen days after the partition."


@dataclass(frozen=True)
class Column:
    """A column of a table, and what it means."""

    name: str
    type: str
    comment: str
    required: bool = True


@dataclass(frozen=True)
class Shown:
    """A column of the view, what it means, and what it is read from."""

    name: str
    type: str
    comment: str
    source: str


@dataclass(frozen=True)
class Layout:
    """What a pipeline's tables are to be. ``places`` are the columns that tell the rows of a ``top`` apart by rank."""

    pipeline: Pipeline
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    places: tuple[str, ...] | None
    shadow: tuple[Column, ...] | None

    @property
    def grain(self) -> str:
        """What one row of the view is, in words."""
        top = self.pipeline.top
        names = [*top.within, "rank"] if top else list(self.pipeline.entity_key)
        return (
            f"One row per partition, {', '.join(names[:-1])} and {names[-1]}"
            if names[1:]
            else (f"One row per partition and {names[0]}")
        )


def lay_out(pipeline: Pipeline, described: Sequence[Described]) -> Layout:
    """Return what the tables are to be, given the columns of extract.sql.

    Raises SourceRefused where the query lacks a column, or has one of a type that cannot be kept.
    """
    source = {column.name: column for column in described}
    copied = copied_columns(pipeline)
    for name in (
        runs_name(pipeline),
        shadow_name(pipeline),
        f"{pipeline.name}_as_of",
        f"{pipeline.name}_ever",
        *copied,
    ):
        refuse_long(name)
    if missing := [name for name in copied if name not in source]:
        raise SourceRefused(
            f"extract.sql gives no column {', '.join(missing)}.",
            next_step="select it there, or mend entity_key and carries of the declaration.",
        )
    refuse_uncopied(source[name] for name in copied)
    columns = [Column("run_id", "bigint", "The run in ledger.runs.")]
    for name in copied:
        key = name in pipeline.entity_key
        comment = source[name].comment or ("Entity key" if key else "Carried along") + ", as extract.sql gives it."
        columns.append(Column(name, source[name].type, pipeline.columns.get(name) or comment, key))
    if pipeline.top:
        ranked = f"Place among the best of each {', '.join(pipeline.top.within)}, from 1."
        columns.append(Column("rank", "integer", pipeline.columns.get("rank") or ranked))
    columns += _predicted(pipeline)
    _refuse_names(pipeline)
    shadow = None
    if pipeline.shadow:
        wanted = {"run_id", *shadow_columns(pipeline)}
        shadow = tuple(column for column in columns if column.name in wanted)
        shadow = (Column("run_id", "bigint", "The run in ledger.shadow_runs."), *shadow[1:])
    places = ("run_id", *pipeline.top.within, "rank") if pipeline.top else None
    return Layout(pipeline, tuple(columns), ("run_id", *pipeline.entity_key), places, shadow)


def published(layout: Layout, kept: Iterable[Column] = (), types: Mapping[str, str] | None = None) -> list[Shown]:
    """Return the columns that are shown of a publication, in order; ``kept`` are columns of the table besides.

    ``types`` are those that columns have in the table, where they are other than the query's.
    """
    pipeline = layout.pipeline
    by_name = {column.name: column for column in layout.columns}
    within = pipeline.top.within if pipeline.top else ()
    names = [*within, *(["rank"] if pipeline.top else [])]
    names += [name for name in pipeline.entity_key if name not in within]
    names += [*pipeline.prediction.columns, *pipeline.carries]
    of_rows = [*(by_name[name] for name in dict.fromkeys(names)), *kept]
    shown = [_partition(pipeline)]
    for column in of_rows:
        kind = (types or {}).get(column.name, column.type)
        shown.append(Shown(column.name, kind, column.comment, f"predicted.{quoted(column.name)}"))
    of_segment = segment_column(pipeline)
    if of_segment:
        shown.append(_shown(pipeline, "model_name", "text", "models", "The model that predicted it."))
    model = "models" if of_segment else "runs"
    shown += [
        _shown(pipeline, "model_version", "integer", model, "Version of the model that predicted it."),
        _shown(pipeline, "leakage_allowed", "boolean", "runs", _LEAKAGE),
        _shown(pipeline, "published_at", "timestamp with time zone", "publications", "When it became the current one."),
        _shown(pipeline, "run_id", "bigint", "runs", "The run, for ledger.runs and `daybreak show`."),
    ]
    if pipeline.upstream:
        comment = f"The run of {pipeline.upstream} whose predictions it was made from."
        shown.append(_shown(pipeline, "upstream_run_id", "bigint", "runs", comment))
    return shown


def partition_column(pipeline: Pipeline) -> str:
    """Return the column that says which partition a row is of."""
    return "partition_start" if isinstance(pipeline.every, Hour) else "partition_date"


def _partition(pipeline: Pipeline) -> Shown:
    name, word = partition_column(pipeline), pipeline.every.word
    if name == "partition_start":
        comment = pipeline.columns.get(name) or "First instant of the hour at whose end it was predicted."
        return Shown(name, "timestamp with time zone", comment, "runs.window_start")
    what = "The day" if word == "day" else f"First day of the {word}"
    return _shown(pipeline, name, "date", "publications", f"{what} at whose end it was predicted.")


def segment_column(pipeline: Pipeline) -> str | None:
    """Return the column that says which model scored a row, where it is kept."""
    column = pipeline.segments.column
    return column if column in copied_columns(pipeline) else None


def _shown(pipeline: Pipeline, name: str, kind: str, relation: str, comment: str) -> Shown:
    return Shown(name, kind, pipeline.columns.get(name) or comment, f"{relation}.{name}")


def _predicted(pipeline: Pipeline) -> Iterator[Column]:
    declared, described = pipeline.prediction, pipeline.description
    within = f"from {declared.low:g} to {declared.high:g}."
    kind, values = "double precision", f"{within[0].upper()}{within[1:]}"
    if declared.texts:
        kind, values = "text", f"One of {', '.join(declared.texts)}."
    if declared.classes:
        values = f"The most probable of {', '.join(declared.texts)}."
    if declared.quantiles:
        values = f"The {declared.quantiles[declared.main]:.4g} quantile, {within}"
    comments = {declared.column: f"{described} {values}"}
    for label, name in zip(declared.classes, declared.further, strict=False):
        comments[name] = f"{described} Probability that it is {label}."
    for quantile, name in zip(declared.quantiles, declared.further, strict=False):
        comments[name] = f"{described} The {quantile:.4g} quantile, {within}"
    for name, comment in comments.items():
        main = name == declared.column
        said = pipeline.columns.get(name) or comment
        # One that is declared later is empty in the rows that there are.
        yield Column(name, kind if main else "double precision", said, required=main)


def _refuse_names(pipeline: Pipeline) -> None:
    for name in pipeline.prediction.columns:
        refuse_long(name)
    ours = ["run_id", partition_column(pipeline), "model_version", "leakage_allowed", "published_at"]
    ours += ["rank"] * bool(pipeline.top) + ["upstream_run_id"] * bool(pipeline.upstream)
    ours += ["model_name"] * bool(segment_column(pipeline))
    named = [*copied_columns(pipeline), *pipeline.prediction.columns]
    twice = [name for name in named if name in ours or named.count(name) > 1]
    if twice:
        raise ConfigurationError(
            f"{predictions_table(pipeline)} would have two columns '{twice[0]}'.",
            next_step="give the one of extract.sql or of the prediction another name.",
        )
