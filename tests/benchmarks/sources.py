"""Measure a whole run over Parquet files through DuckDB against PostgreSQL as the source, and 24 hourly partitions."""

from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from daybreak.cli.display import print_table
from daybreak.workspace import Workspace

WANTED = 1.0
FILE = "features-{day}.parquet"


def write_parquet(workspace: Workspace, folder: Path, days: list[date]) -> None:
    """Write the rows of each day into a file; one that is there is kept."""
    import pyarrow.parquet as pq

    folder.mkdir(exist_ok=True)
    for day in days:
        path = folder / FILE.format(day=day)
        if path.exists():
            continue
        with workspace.warehouse.bulk() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM bench.features WHERE day = '{day}'")
            with cursor.fetch_record_batch() as reader, pq.ParquetWriter(path, _without_day(reader.schema)) as writer:
                for batch in reader:
                    writer.write_batch(batch.select(_without_day(reader.schema).names))


def _without_day(schema: Any) -> Any:
    # The file's name says the day.
    return schema.remove(schema.get_field_index("day"))


def source_relations(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the sources into relation, each ratio within one turn."""
    by = {(m["way"], m["turn"]): m for m in measured}
    turns = sorted({m["turn"] for m in measured})
    ratios = [by["daybreak", t]["wall"] / by["from_files", t]["wall"] for t in turns]
    cpu = [_cpu(by["daybreak", t]) / _cpu(by["from_files", t]) for t in turns]
    hours = [by["by_hour", t]["wall"] for t in turns]
    found = (
        ("DuckDB over Parquet / PostgreSQL, rows per second of the whole run", ratios, f"at least {WANTED}"),
        ("the same, rows per CPU second, the server's included", cpu, ""),
        ("planning and publishing 24 hourly partitions of them, seconds", hours, ""),
    )
    return [
        {"what": what, "value": median(values), "lowest": min(values), "highest": max(values), "wanted": wanted}
        for what, values, wanted in found
    ]


def show_sources(measured: list[dict[str, Any]]) -> None:
    """Print what was measured as tables."""
    print_table(
        "Sources and hours",
        ["way", "rows", "turn", "seconds", "CPU s", "PostgreSQL CPU s", "peak MiB"],
        [
            [m["way"].replace("_", " "), m["rows"], m["turn"], m["wall"], m["cpu"], m["postgres_cpu"], _mib(m)]
            for m in measured
        ],
    )
    print_table(
        "In relation",
        ["what", "measured", "lowest", "highest", "wanted"],
        [list(relation.values()) for relation in source_relations(measured)],
    )


def _cpu(measured: dict[str, Any]) -> float:
    return float(measured["cpu"]) + float(measured["postgres_cpu"])


def _mib(measured: dict[str, Any]) -> int:
    return round(measured["peak_bytes"] / 2**20)
