"""Samples: rows of a model's input, from a file or from the pipeline's own query, as a run would give them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daybreak.declaration.partition import start_of_day
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, SourceRefused
from daybreak.run.plan import query_binds
from daybreak.run.resolve import resolve_upstream
from daybreak.sources.queries import EXTRACT
from daybreak.training.past import source_last_day
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

# Of a query's rows; a file is read whole, for what is measured on it.
_ROWS = 1_000


def from_file(path: Path) -> "pa.Table":
    """Read a file of rows: Parquet, CSV or JSON, a row a line, by its ending. Raises ConfigurationError."""
    import pyarrow as pa
    from pyarrow import csv, json, parquet

    readers: dict[str, Any] = {
        ".parquet": parquet.read_table,
        ".csv": csv.read_csv,
        ".json": json.read_json,
        ".jsonl": json.read_json,
        ".ndjson": json.read_json,
    }
    if path.suffix.lower() not in readers:
        raise ConfigurationError(
            f"{path.name} is no file of rows that can be read.",
            next_step=f"give one that ends in {', '.join(readers)}.",
        )
    try:
        found: pa.Table = readers[path.suffix.lower()](path)
    except (OSError, pa.ArrowException) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({' '.join(str(error).split())[:200]}).", next_step="check the file."
        ) from error
    if not found.num_rows:
        raise ConfigurationError(f"{path.name} has no rows.", next_step="give a file with rows of the model's input.")
    return found


def from_example(content: bytes, columns: Sequence[str]) -> "pa.Table | None":
    """Read the example that MLflow keeps beside a model: columns and rows; None where it is of another form."""
    import json

    import pyarrow as pa

    try:
        told = json.loads(content)
        names = told.get("columns") or list(columns)
        rows = [dict(zip(names, row, strict=True)) for row in told["data"]]
        return pa.Table.from_pylist(rows) if rows else None
    except (AttributeError, KeyError, TypeError, ValueError, pa.ArrowException):
        return None


def from_extract(workspace: Workspace, pipeline: Pipeline) -> "pa.Table":
    """Read the first rows that extract.sql gives of the last partition that the source has whole."""
    import pyarrow as pa

    last = source_last_day(workspace, pipeline)
    if last is None:
        raise SourceRefused(
            "The source holds no data to take a sample of.", next_step="load it, or give rows by `--sample FILE`."
        )
    until = min(datetime.now(UTC), start_of_day(last + timedelta(days=1), pipeline.timezone))
    partition = pipeline.calendar.last_complete(until)
    upstream = resolve_upstream(workspace.warehouse, pipeline, partition, ())
    queries = workspace.queries(pipeline)
    binds = query_binds(partition, upstream.run_id if upstream else None)
    queries.check(EXTRACT, binds)
    found: list[pa.RecordBatch] = []
    with queries.stream(EXTRACT, binds) as (_, reader):
        for batch in reader:
            found.append(batch)
            if sum(part.num_rows for part in found) >= _ROWS:
                break
    if not sum(part.num_rows for part in found):
        raise SourceRefused(
            f"extract.sql gives no row for {partition.key}, the last partition that the source has whole.",
            next_step="give rows by `--sample FILE`.",
            pipeline=pipeline.name,
        )
    return pa.Table.from_batches(found).slice(0, _ROWS)
