"""The pipeline made for tests and what tests do with it: load its source, run a day, look at what is shown."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from daybreak.batch.snapshot import Snapshot
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import DaybreakError
from daybreak.ledger.runs import Counts
from daybreak.models.aliases import Decision
from daybreak.models.version import ModelVersion
from daybreak.run.outcome import Outcome
from daybreak.run.plan import Plan
from daybreak.run.planning import Request, plan_run
from daybreak.run.publish import Publication
from daybreak.run.runner import Runner
from daybreak.run.tables import see_to_tables
from daybreak.settings import PROJECT, Settings
from daybreak.training.train import train
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS
from waiting import LONG, until

MADE = Path(__file__).parent / "fixture_pipelines" / "sql"
ROWS = 400
# The source holds parcels of eight days, the model has seen three of them, and one is published.
FIRST_DAY, LAST_DAY = date(2024, 3, 5), date(2024, 3, 12)
TRAINED_THROUGH = date(2024, 3, 7)
DAY, SHORT_DAY = date(2024, 3, 9), date(2024, 3, 10)

Shown = list[tuple[Any, ...]]
NewDatabase = Callable[..., str]


class Parcels:
    """One database's parcels, and the runs of their pipeline."""

    def __init__(self, workspace: Workspace, pipeline: Pipeline = PARCEL_HOURS) -> None:
        self.workspace = workspace
        self.pipeline = pipeline

    @cached_property
    def runner(self) -> Runner:
        """The runner that every run of this object uses."""
        return Runner(self.workspace, self.pipeline)

    def declared(self, **changes: Any) -> "Parcels":
        """Declare the pipeline otherwise, on the same database."""
        return Parcels(self.workspace, replace(self.pipeline, **changes))

    def shadowed(self, **changes: Any) -> "Parcels":
        """Declare that a challenger scores too, and have the table made for it, as planning a run does."""
        found = self.declared(shadow="challenger", **changes)
        see_to_tables(self.workspace, found.pipeline)
        return found

    def plan(self, day: date | str | None = DAY, **request: Any) -> Plan:
        """Plan a run."""
        return plan_run(self.workspace, self.pipeline, Request(None if day is None else str(day), **request))

    def run(self, day: date | str | None = DAY, *, dry_run: bool = False, **request: Any) -> Outcome:
        """Plan a run and run it as one stream, as the command line does."""
        return self.runner.run(self.plan(day, dry_run=dry_run, **request))

    def run_by_tasks(self, day: date | str | None = DAY, *, origin: str | None = None, **request: Any) -> Publication:
        """Run task by task, as Airflow does: each with a runner of its own, references travel as JSON."""
        plan = travelled(self.plan(day, origin=origin or f"parcel_hours/{uuid4()}", **request).to_json())
        snapshot = travelled(asdict(self._task().extract(Plan.from_json(plan))))
        self._task().validate(Plan.from_json(plan), Snapshot(**snapshot))
        counts = travelled(asdict(self._task().score(Plan.from_json(plan), Snapshot(**snapshot))))
        return self._task().publish(Plan.from_json(plan), Counts(**counts))

    def register(self, model: Any, sample: Any, trained_through: date = TRAINED_THROUGH) -> ModelVersion:
        """Register a fitted model and make it the champion."""
        version = self.workspace.registry.register(
            self.pipeline.single_ref.name,
            model,
            sample,
            trained_through=trained_through,
            method=self.pipeline.prediction.method,
        )
        self.promote(version.version)
        return version

    def challenge(self, model: Any, sample: Any, trained_through: date = TRAINED_THROUGH) -> ModelVersion:
        """Register a fitted model and make it the challenger."""
        version = self.workspace.registry.register(
            self.pipeline.single_ref.name, model, sample, trained_through=trained_through
        )
        self.workspace.aliases(ModelRef(self.pipeline.single_ref.name, "challenger")).move(
            version.version, Decision("test")
        )
        return version

    def load_days(self, last: date) -> None:
        """Load the parcels of further days, through the last."""
        source = load_sql(MADE / "source.sql").text
        made = source[source.index("SELECT") : source.index(";\nALTER")]
        days = made.replace(
            "timestamp '2024-03-05', timestamp '2024-03-12'", f"timestamp '2024-03-13', timestamp '{last}'"
        )
        assert days != made
        self.execute(f"INSERT INTO parcels.handed_in {days}")

    def promote(self, version: int) -> None:
        """Make a version the champion."""
        self.workspace.aliases(self.pipeline.model).move(version, Decision("test"))

    def execute(self, *statements: str) -> None:
        """Change the database."""
        with self.workspace.warehouse.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def rows(self, query: str, *values: Any) -> Shown:
        """Query the database."""
        with self.workspace.warehouse.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query, values or None)]

    def value(self, query: str, *values: Any) -> Any:
        """Query the database for one value."""
        return self.rows(query, *values)[0][0]

    def shown(self) -> Shown:
        """Return all that analysts see."""
        return self.rows("SELECT * FROM predictions.parcel_hours ORDER BY partition_date, depot, parcel_id")

    def forecasts(self, day: date = DAY) -> dict[tuple[str, int], float]:
        """Return what analysts see of a day, by entity key; a key that is shown twice is an error."""
        seen = [((depot, parcel), hours) for on, depot, parcel, hours, *_ in self.shown() if on == day]
        assert len(dict(seen)) == len(seen), "an entity key is shown twice"
        return dict(seen)

    def answers(self, day: date = DAY) -> dict[tuple[str, int], tuple[Any, ...]]:
        """Return all that analysts see predicted for a day, by entity key."""
        columns = ", ".join(f'"{name}"' for name in self.pipeline.prediction.columns)
        query = f"SELECT depot, parcel_id, {columns} FROM predictions.parcel_hours WHERE partition_date = %s"
        return {(depot, parcel): tuple(answer) for depot, parcel, *answer in self.rows(query, day)}

    def last_run(self) -> sa.RowMapping:
        """Return the ledger's row of the run that was planned last."""
        return self.workspace.ledger.get(self.value("SELECT max(run_id) FROM ledger.runs"))

    def current(self, day: date = DAY) -> list[int]:
        """Return the runs that are current for a day: one, or something is wrong."""
        return [
            run
            for (run,) in self.rows(
                "SELECT run_id FROM ledger.publications WHERE partition_date = %s AND withdrawn_at IS NULL", day
            )
        ]

    def stored(self, run_id: int) -> int:
        """Count the predictions under a run, visible or not."""
        return int(self.value("SELECT count(*) FROM predictions.parcel_hours_runs WHERE run_id = %s", run_id))

    def publications(self) -> Shown:
        """Return every publication there ever was."""
        columns = "publication_id, pipeline, partition_key, run_id, reason, published_at, withdrawn_at"
        return self.rows(f"SELECT {columns} FROM ledger.publications ORDER BY publication_id")

    def rewrite(self, name: str, old: str, new: str) -> None:
        """Change one of the pipeline's SQL files."""
        path = self.workspace.sql(self.pipeline, name)
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is in {path.name} {text.count(old)} times"
        path.write_text(text.replace(old, new))

    def _task(self) -> Runner:
        return Runner(self.workspace, self.pipeline)


def hold_no_transaction_open(parcels: Parcels) -> None:
    """Hold that none of Daybreak's own is; a server learns a moment later that somebody has hung up."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'daybreak' "
        "AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    )
    until(lambda: parcels.value(others) == 0, "every transaction to end")


@contextmanager
def refused(
    parcels: Parcels, kind: type[DaybreakError], problem: str, next_step: str, *, place: str = f"parcel_hours {DAY}"
) -> Iterator[None]:
    """Hold what bad input gets: one clear line, nothing published, nothing taken away, the run closed with the reason.

    No transaction is open any more, although somebody keeps the error and with it all frames that it went through.
    ``problem`` and ``next_step`` are what the line must say before and after its "Next:".
    """
    before, publications = parcels.shown(), parcels.publications()
    earlier = parcels.last_run()["run_id"]
    assert before, "there has to be something to lose"
    with pytest.raises(kind) as caught:
        yield
    hold_no_transaction_open(parcels)
    message = str(caught.value)
    told, _, advice = message.partition(" Next: ")
    assert "\n" not in message
    assert told.startswith(f"{place}: ")
    assert problem in told
    assert next_step in advice
    run = parcels.last_run()
    assert run["run_id"] > earlier, "the ledger has no row of the run"
    assert (run["state"], run["error"], run["rows_scored"]) == ("failed", message, None)
    assert run["finished_at"]
    assert parcels.stored(run["run_id"]) == 0
    assert (parcels.shown(), parcels.publications()) == (before, publications)


def travelled(reference: dict[str, Any]) -> dict[str, Any]:
    """Send a reference from one task to the next, as JSON."""
    found: dict[str, Any] = json.loads(json.dumps(reference))
    return found


def load_kind(workspace: Workspace, pipeline: Pipeline) -> None:
    """Put another kind of prediction in the place of the hours: a champion, and one published day."""
    parcels = Parcels(workspace, pipeline)
    parcels.execute(
        "DROP FUNCTION predictions.parcel_hours_as_of",
        "DROP TABLE predictions.parcel_hours_runs CASCADE",
        "TRUNCATE ledger.runs RESTART IDENTITY CASCADE",
    )
    train(workspace, pipeline, through=date(2024, 3, 8))
    parcels.run()


def load(settings: Settings) -> None:
    """Load the source, train the champion and publish one day."""
    workspace = Workspace(settings)
    parcels = Parcels(workspace)
    parcels.execute(load_sql(MADE / "source.sql").text)
    train(workspace, PARCEL_HOURS, through=date(2024, 3, 8))
    parcels.run()
    workspace.close()


def make_project(folder: Path) -> Path:
    """Lay out a project: the ledger's migrations of this repository, and the SQL of the pipelines made for tests."""
    for source, sql in ((PROJECT / "sql" / "ledger", folder / "sql" / "ledger"), (MADE, folder / "sql")):
        shutil.copytree(source, sql, dirs_exist_ok=True, copy_function=shutil.copyfile)
    return folder


def make_settings(home: Path, project: Path, url: str, models: str | None = None) -> Settings:
    """Name every setting, so that no variable of the environment has a say; the registry shares the database."""
    return Settings(
        home=home,
        project=project,
        pipelines="fixture_pipelines",
        warehouse_url=url,
        registry_url=url,
        batches_uri=(home / "batches").as_uri(),
        models_uri=models or (home / "models").as_uri(),
        lock_timeout_seconds=LONG,
        port=8080,
    )


@contextmanager
def administer(server: EmbeddedPostgres) -> Iterator[sa.Connection]:
    """Connect to a server to make and drop databases; once for all tests, unless it was restarted meanwhile."""
    with _administering(server.url("postgres")).connect() as connection:
        yield connection


@cache
def _administering(url: str) -> sa.Engine:
    return sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True, pool_size=1)


def make_template(server: EmbeddedPostgres, name: str) -> None:
    """Let nobody connect to a database any more: while somebody is, and MLflow stays, it cannot be copied."""
    with administer(server) as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
