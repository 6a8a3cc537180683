"""Measure speed and memory, side by side in one run: `make bench`.

(a) tutorial: pandas.read_sql, predict, DataFrame.to_sql. (b) daybreak: extract, validate with eight expectations,
score, publish. (c) predict: the model alone, on rows in memory. Each runs in a process of its own, in turns, on the
same rows, and what they predict is compared. The push is measured beside a bare loop over httpx.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from benchmark_pipeline import OWN
from cascading import prepare_segments, show_cascade
from environments import show_environments
from figures import ServerPeak, machine, relations, show
from pages import measure_pages, show_pages
from pushing import measure_pushing, show_pushing
from rows import disagreements, prepare_model, prepare_rows, settle
from sources import show_sources, write_parquet
from watching import ROWS, measure_watching, show_watching

from daybreak.cli.display import err, print_error, print_json
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import DaybreakError
from daybreak.local.demonstration_data import TIMEZONE
from daybreak.run.tables import see_to_tables
from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace

HERE = Path(__file__).parent
WARM_UP_ROWS = 40_000
WRITTEN = {
    "daybreak": ["predictions.throughput_runs"],
    "one_model": ["predictions.one_model_runs"],
    "four_segments": ["predictions.four_segments_runs"],
    "shadow": ["predictions.one_model_runs", "predictions.one_model_shadow"],
    "own_environment": ["predictions.throughput_runs"],
    "first_run": ["predictions.throughput_runs"],
    "first_run_of_its_own": ["predictions.throughput_runs"],
    "from_files": ["predictions.from_files_runs"],
    "by_hour": ["predictions.by_hour_runs"],
}


class Disagreement(Exception):
    """A way did not do what was asked of it, or not what the others did: the figures mean nothing."""


class Bench:
    """One embedded server in a folder of its own, and what is measured on it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.server = EmbeddedPostgres(self.home)
        self.settings: dict[str, Any] = {
            "home": str(self.home),
            "project": str(_project(folder)),
            "pipelines": "benchmark_pipeline",
            "source": {"bench": f"duckdb://{folder / 'parquet'}"},
        }
        self.parquet = folder / "parquet"
        self.workspace = Workspace(Settings(**self.settings))
        self.last_day = datetime.now(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)

    def __enter__(self) -> "Bench":
        self.server.use()
        prepare_model(self.workspace, self.last_day, _say)
        return self

    def __exit__(self, *_: object) -> None:
        self.workspace.close()
        self.server.stop()
        self.server.release()

    def compare(self, sizes: list[int], repeats: int, skip_tutorial_above: int) -> list[dict[str, Any]]:
        """Measure every way at every size, in turns."""
        days = {self.last_day - timedelta(days=place): rows for place, rows in enumerate(sizes, start=1)}
        prepare_rows(self.workspace, self.last_day, {self.last_day: WARM_UP_ROWS, **days}, _say)
        self._see_to_tables("throughput")
        measured = []
        for turn in range(1, repeats + 1):
            for day, rows in days.items():
                ways = ["daybreak", "predict", *(["tutorial"] if rows <= skip_tutorial_above else [])]
                random.shuffle(ways)
                found = {way: self._measure(way, day, rows, turn) for way in ways}
                for other in set(ways) - {"daybreak"}:
                    self._refuse_difference(found["daybreak"], found[other])
                measured += found.values()
        return measured

    def cascade(self, rows: int, repeats: int) -> list[dict[str, Any]]:
        """Measure the same rows through one model, through four and in the shadow of a challenger, in turns."""
        day = self.last_day - timedelta(days=1)
        prepare_segments(self.workspace, self.last_day, _say)
        prepare_rows(self.workspace, self.last_day, {self.last_day: WARM_UP_ROWS, day: rows}, _say)
        self._see_to_tables("one_model", "four_segments")
        measured = []
        for turn in range(1, repeats + 1):
            ways = ["one_model", "four_segments", "shadow", "challenger", "champion"]
            random.shuffle(ways)
            measured += [self._measure(way, day, 1 if way == "champion" else rows, turn) for way in ways]
        return measured

    def environments(self, rows: int, repeats: int) -> list[dict[str, Any]]:
        """Measure the same rows by the model in this process and in an environment of its own, in turns."""
        day = self.last_day - timedelta(days=1)
        prepare_rows(self.workspace, self.last_day, {self.last_day: WARM_UP_ROWS, day: rows}, _say)
        self._see_to_tables("throughput")
        registry = self.workspace.registry
        registry.loader.environment(registry.resolve(OWN.single_ref), _say)
        measured = []
        for turn in range(1, repeats + 1):
            ways = ["daybreak", "own_environment", "first_run", "first_run_of_its_own"]
            random.shuffle(ways)
            found = {way: self._measure(way, day, rows, turn) for way in ways}
            if len(counts := {way["rows"] for way in found.values()}) > 1:
                raise Disagreement(f"They scored {counts} rows.")
            measured += found.values()
        return measured

    def sources(self, rows: int, repeats: int) -> list[dict[str, Any]]:
        """Measure the same rows from PostgreSQL, from Parquet files, and hour by hour, in turns."""
        day = self.last_day - timedelta(days=1)
        prepare_rows(self.workspace, self.last_day, {self.last_day: WARM_UP_ROWS, day: rows}, _say)
        write_parquet(self.workspace, self.parquet, [self.last_day, day])
        self._see_to_tables("throughput", "from_files", "by_hour")
        measured = []
        for turn in range(1, repeats + 1):
            ways = ["daybreak", "from_files", "by_hour"]
            random.shuffle(ways)
            measured += [self._measure(way, day, rows, turn) for way in ways]
        return measured

    def backfill(self, days: int) -> dict[str, Any]:
        """Time `daybreak backfill` of the demand forecast, from starting the command to its end."""
        first = self.last_day - timedelta(days=days - 1)
        _say(f"backfilling {first} to {self.last_day}")
        settle(self.workspace)
        command = [str(Path(sys.executable).with_name("daybreak")), "backfill", "demand_forecast"]
        environment = {**os.environ, "DAYBREAK_HOME": str(self.home)}
        started = time.perf_counter()
        ended = subprocess.run(
            [*command, first.isoformat(), self.last_day.isoformat()], env=environment, capture_output=True, text=True
        )
        seconds = time.perf_counter() - started
        if ended.returncode:
            raise Disagreement(f"The backfill failed: {ended.stderr.strip()}")
        with self.workspace.warehouse.begin() as connection:
            published, rows = connection.exec_driver_sql(
                "SELECT count(DISTINCT partition_date), count(*) FROM predictions.demand_forecast "
                "WHERE partition_date BETWEEN %(first)s AND %(last)s",
                {"first": first, "last": self.last_day},
            ).one()
        if published != days:
            raise Disagreement(f"The backfill published {published} of {days} days.")
        measured = time.perf_counter()
        last_known = self.last_day - timedelta(days=1)
        command[1:2] = ["measure"]
        ended = subprocess.run(
            [*command, "--from", first.isoformat(), "--to", last_known.isoformat()],
            env=environment,
            capture_output=True,
            text=True,
        )
        measuring = time.perf_counter() - measured
        if ended.returncode:
            raise Disagreement(f"Measuring failed: {ended.stderr.strip()}")
        found = {"days": days, "first": first, "last": self.last_day, "rows": rows, "seconds": seconds}
        return found | {"measuring": measuring}

    def _see_to_tables(self, *pipelines: str) -> None:
        """Make the tables that are emptied before each measurement."""
        for name in pipelines:
            see_to_tables(self.workspace, self.workspace.pipeline(name))

    def _measure(self, way: str, day: date, rows: int, turn: int) -> dict[str, Any]:
        settle(self.workspace, *(f"TRUNCATE {table}" for table in WRITTEN.get(way, ())))
        asked = {"settings": self.settings, "day": day.isoformat(), "warm_up": self.last_day.isoformat()}
        with ServerPeak(self.home) as peak:
            ended = subprocess.run(
                [sys.executable, str(HERE / "ways.py"), way, json.dumps(asked)], stdout=subprocess.PIPE, text=True
            )
        if ended.returncode:
            raise Disagreement(f"{way} failed on {rows:,} rows.")
        result = json.loads(ended.stdout.splitlines()[-1])
        if result["rows"] != rows:
            raise Disagreement(f"{way} read {result['rows']:,} rows of {rows:,}.")
        _say(f"turn {turn}: {rows:,} rows, {way}: {result['wall']:.2f} s")
        return {"way": way, "turn": turn, "rows_per_second": rows / result["wall"], **result, **peak.found}

    def _refuse_difference(self, ours: dict[str, Any], other: dict[str, Any]) -> None:
        # Only daybreak judges rows: it quarantines those of unknown category, which the others predict.
        found = disagreements(self.workspace, other["way"], ours["run_id"])
        quarantined, scored = ours["rows_quarantined"], ours["rows_scored"]
        expected = {
            "theirs": ours["rows"],
            "ours": scored,
            "unmatched": quarantined,
            "unknown": quarantined,
            "different": 0,
        }
        if found != expected or scored + quarantined != ours["rows"]:
            raise Disagreement(f"daybreak and {other['way']} do not agree: {found}; expected: {expected}.")


def main(
    rows: Annotated[str, typer.Option(help="Numbers of rows, separated by commas.")] = "1_000_000,10_000_000",
    repeats: Annotated[int, typer.Option(min=1, help="How often everything is measured, in turns.")] = 3,
    skip_tutorial_above: Annotated[int, typer.Option(help="Leave the tutorial out above so many rows.")] = 1_000_000,
    cascade_rows: Annotated[int, typer.Option(min=0, help="Rows of the cascade; 0 leaves it out.")] = 1_000_000,
    source_rows: Annotated[int, typer.Option(min=0, help="Rows from files and by the hour; 0: none.")] = 1_000_000,
    environment_rows: Annotated[int, typer.Option(min=0, help="Rows in own environments; 0: none.")] = 1_000_000,
    backfill_days: Annotated[int, typer.Option(min=0, max=90, help="Days to backfill; 0 leaves it out.")] = 90,
    push_items: Annotated[int, typer.Option(min=0, help="Items to push; 0 leaves it out.")] = 100_000,
    pages: Annotated[bool, typer.Option(help="The pages in Airflow over a ledger of years.")] = True,
    watching: Annotated[bool, typer.Option(help="What watching costs a run, and one look at all pipelines.")] = True,
    folder: Annotated[Path | None, typer.Option(help="Keep data and model here, for the next time.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Measure speed and memory, side by side in one run, and check that all ways predict the same."""
    sizes = sorted({int(size) for size in rows.split(",") if size})
    with _folder(folder) as place:
        try:
            with Bench(place) as bench:
                measured = bench.compare(sizes, repeats, skip_tutorial_above) if sizes else []
                cascade = bench.cascade(cascade_rows, repeats) if cascade_rows else []
                sources = bench.sources(source_rows, repeats) if source_rows else []
                environments = bench.environments(environment_rows, repeats) if environment_rows else []
                backfill = bench.backfill(backfill_days) if backfill_days else None
            pushing = measure_pushing(place / "pushing", push_items, repeats, _say) if push_items else None
            shown = measure_pages(place / "pages") if pages else []
            watched = measure_watching(place / "watching", _seconds_of(ROWS, measured)) if watching else None
        except (Disagreement, DaybreakError) as error:
            print_error(str(error))
            raise typer.Exit(1) from error
    report = {"machine": machine(), "measured": measured, "relations": relations(measured, backfill)}
    if as_json:
        beside = {"cascade": cascade, "sources": sources, "environments": environments}
        print_json({**report, **beside, "pushing": pushing, "pages": shown, "watching": watched})
        return
    show(report)
    if cascade:
        show_cascade(cascade)
    if sources:
        show_sources(sources)
    if environments:
        show_environments(environments)
    if pushing:
        show_pushing(pushing)
    if shown:
        show_pages(shown)
    if watched:
        show_watching(watched)


def _seconds_of(rows: int, measured: list[dict[str, Any]]) -> float | None:
    """Return how long the fastest run was for so many rows; None where none was measured."""
    fastest = [one["wall"] / one["rows"] * rows for one in measured if one["way"] == "daybreak"]
    return min(fastest, default=None)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
    else:
        with TemporaryDirectory(prefix="daybreak-bench-") as folder:
            yield Path(folder)


def _project(folder: Path) -> Path:
    """Make a project folder whose SQL is the project's own and the benchmark's."""
    sql = folder / "project" / "sql"
    sql.mkdir(parents=True, exist_ok=True)
    for source in (*(PROJECT / "sql").iterdir(), *(folder for folder in (HERE / "sql").iterdir() if folder.is_dir())):
        link = sql / source.name
        if not link.is_symlink():
            link.symlink_to(source)
    return sql.parent


def _say(text: str) -> None:
    err.print(f"  {text}")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
