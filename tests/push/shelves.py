"""What tests do with the pipeline that pushes: load its source, register its models, push a day, see what arrived."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from daybreak.batch.snapshot import Snapshot
from daybreak.declaration.partition import day_calendar
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import DaybreakError
from daybreak.ledger.deliveries import Deliveries
from daybreak.models.aliases import Decision
from daybreak.models.version import ModelVersion
from daybreak.push.runner import PushRunner
from daybreak.run.outcome import Outcome
from daybreak.run.plan import Plan
from daybreak.run.planning import Request, plan_run
from daybreak.settings import PROJECT, Settings
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace
from promotions import SIGNING_KEY, TOKEN, Promotions
from retail.daily_promotions.training import profile
from waiting import LONG

from .shelf_offers import FEATURES, SHELF_OFFERS

if TYPE_CHECKING:
    import pandas as pd

    from daybreak.run.judge import Judge

MADE = Path(__file__).parent / "sql"
PRODUCTS, TOP, CHUNKS = 400, 24, 6
# One for the whole session: a test may run over midnight.
DAY = day_calendar("UTC").last_complete(datetime.now(UTC)).first_day
# Before the days that a backfill of a week goes over.
TRAINED_THROUGH = DAY - timedelta(days=8)


@dataclass(frozen=True)
class Expected:
    """One offer as it must stand at the receiver."""

    rank: int
    probability: float
    model_version: int


class Shelves:
    """One database's shelves, their pipeline, and the promotions system that it pushes to."""

    def __init__(self, workspace: Workspace, receiver: Promotions, pipeline: Pipeline = SHELF_OFFERS) -> None:
        self.workspace = workspace
        self.receiver = receiver
        self.pipeline = pipeline

    def declared(self, **changes: Any) -> "Shelves":
        """Declare the pipeline otherwise, on the same database; ``push_`` changes how it pushes."""
        pushes = {name.removeprefix("push_"): changes.pop(name) for name in list(changes) if name.startswith("push_")}
        assert self.pipeline.push is not None
        changed = replace(self.pipeline, push=replace(self.pipeline.push, **pushes), **changes)
        return Shelves(self.workspace, self.receiver, changed)

    def runner(self, **target: Any) -> PushRunner:
        """Make a runner that pushes to the receiver, quick to try again."""
        runner = PushRunner(self.workspace, self.pipeline, self.receiver.target(**target))
        runner._judge = _judge()  # to make one takes longer than all the rest
        return runner

    def plan(self, day: date = DAY, **request: Any) -> Plan:
        """Plan a run."""
        return plan_run(self.workspace, self.pipeline, Request(str(day), **request))

    def push(self, day: date = DAY, *, target: dict[str, Any] | None = None, **request: Any) -> Outcome:
        """Plan a run and run it, as the command line does."""
        return self.runner(**(target or {})).run(self.plan(day, **request))

    def stage(self, plan: Plan) -> Snapshot:
        """Extract and validate a run, as the tasks before the push do."""
        runner = self.runner()
        snapshot = runner.extract(plan)
        runner.validate(plan, snapshot)
        return snapshot

    def promote(self, version: int) -> None:
        """Make a version the champion."""
        self.workspace.aliases(self.pipeline.model).move(version, Decision("test"))

    def execute(self, *statements: str) -> None:
        """Change the database."""
        with self.workspace.warehouse.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Query the database."""
        with self.workspace.warehouse.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query, values or None)]

    def correct(self, change: str, products: Iterable[int]) -> None:
        """Correct the day's source; ``restore`` takes all corrections back."""
        these = ", ".join(map(str, products))
        self.execute(
            "CREATE TABLE IF NOT EXISTS shelves.kept AS SELECT * FROM shelves.daily",
            f"UPDATE shelves.daily SET {change} WHERE day = '{DAY}' AND product_id IN ({these})",
        )

    def drop(self, products: Iterable[int]) -> None:
        """Correct the day's source so that the products are not among the best."""
        self.correct("units = 12, price = 14, discount_share_28d = 0.125", products)

    def restore(self) -> None:
        """Take the corrections back."""
        self.execute("TRUNCATE shelves.daily", "INSERT INTO shelves.daily SELECT * FROM shelves.kept")

    def last_run(self) -> sa.RowMapping:
        """Return the ledger's row of the run that was planned last."""
        return self.workspace.ledger.get(self.rows("SELECT max(run_id) FROM ledger.runs")[0][0])

    def deliveries(self, day: date = DAY, *, only_open: bool = False) -> list[dict[str, Any]]:
        """List the receipts of a day."""
        return Deliveries(self.workspace.warehouse, self.pipeline.name, day).list(only_open=only_open)

    def expected(self, version: int = 1, day: date = DAY) -> dict[int, Expected]:
        """Say which offers must stand, computed from the source and the model alone."""
        frame = self.frame(day)
        frame = frame[frame["price"].isna() | (frame["price"] >= 0.5)].dropna()
        frame = frame.assign(probability=self.model(version).predict_proba(frame[FEATURES])[:, 1])
        best = frame.sort_values(["probability", "product_id"], ascending=[False, True])
        best = best.head(self.workspace.settings.push_top)
        pairs = zip(best["product_id"], best["probability"], strict=True)
        return {int(product): Expected(rank, p, version) for rank, (product, p) in enumerate(pairs, start=1)}

    def frame(self, day: date) -> "pd.DataFrame":
        """Read a day of the source."""
        return read_day(self.workspace, day)

    def model(self, version: int) -> Any:
        """Load a version."""
        return self._models[version]

    def active(self, day: date = DAY) -> dict[int, dict[str, Any]]:
        """Return the receiver's active offers of a day by product; two of one product are an error."""
        offers = self.receiver.listing(str(day), state="active")["offers"]
        found = {offer["product_id"]: offer for offer in offers}
        assert len(found) == len(offers), "a product is offered twice"
        return found

    def assert_offered(self, version: int = 1, day: date = DAY, *, revision: int | None = None) -> None:
        """Hold that just the right offers stand: each once, by one model version, written as often as said."""
        found, expected = self.active(day), self.expected(version, day)
        shown = {product: Expected(o["rank"], o["probability"], o["model_version"]) for product, o in found.items()}
        near = {
            product: replace(e, probability=pytest.approx(e.probability, abs=1e-12)) for product, e in expected.items()
        }
        assert shown == near
        if revision is not None:
            assert {offer["revision"] for offer in found.values()} == {revision}

    @cached_property
    def _models(self) -> dict[int, Any]:
        registry = self.workspace.registry
        return {v.version: registry.load(v) for v in registry.versions(self.pipeline.model.name)}


@cache
def _judge() -> "Judge":
    from daybreak.run.judge import Judge

    return Judge()


@contextmanager
def failed(
    shelves: Shelves, kind: type[DaybreakError], problem: str, next_step: str
) -> Iterator[pytest.ExceptionInfo[Any]]:
    """Hold what a failed push gives: one clear line, which the ledger has too, and the place and what to do next."""
    with pytest.raises(kind) as caught:
        yield caught
    message = str(caught.value)
    told, _, advice = message.partition(" Next: ")
    assert "\n" not in message
    assert told.startswith(f"shelf_offers {DAY}: ")
    assert problem in told
    assert next_step in advice
    run = shelves.last_run()
    assert (run["state"], run["error"], run["rows_scored"]) == ("failed", message, None)


def load(settings: Settings) -> None:
    """Load the source and register two versions; the first is the champion."""
    workspace = Workspace(settings)
    with workspace.ledger.warehouse.begin() as connection:
        connection.execute(sa.text(load_sql(MADE / "source.sql").text), {"last_day": DAY})
    for regularization in (1.0, 0.001):
        register(workspace, classifier(workspace, regularization))
    workspace.aliases(SHELF_OFFERS.model).move(1, Decision("test"))
    workspace.close()


def classifier(workspace: Workspace, regularization: float) -> Any:
    """Fit a classifier in milliseconds on two days."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = pd.concat([read_day(workspace, TRAINED_THROUGH - timedelta(days=back)) for back in (1, 0)])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=regularization))
    return model.fit(rows[FEATURES], rows["sold"])


def register(workspace: Workspace, model: Any, **changes: Any) -> ModelVersion:
    """Register a classifier with the profile of its scores on a day that it has not seen."""
    held_out = read_day(workspace, TRAINED_THROUGH + timedelta(days=1))
    declared: dict[str, Any] = {
        "trained_through": TRAINED_THROUGH,
        "method": "predict_proba",
        "score_profile": profile(model.predict_proba(held_out[FEATURES])[:, 1]),
    }
    sample = held_out[FEATURES].head(20)
    return workspace.registry.register(SHELF_OFFERS.model.name, model, sample, **(declared | changes))


def read_day(workspace: Workspace, day: date) -> "pd.DataFrame":
    """Read a day of the source whole."""
    import pandas as pd

    with workspace.warehouse.begin() as connection:
        query = sa.text("SELECT * FROM shelves.daily WHERE day = :day ORDER BY product_id")
        return pd.DataFrame(connection.execute(query, {"day": day}).mappings().all())


def make_project(folder: Path) -> Path:
    """Lay out a project: the ledger's migrations of this repository, and the SQL of the pipeline that pushes."""
    shutil.copytree(PROJECT / "sql" / "ledger", folder / "sql" / "ledger")
    shutil.copytree(MADE, folder / "sql", dirs_exist_ok=True)
    return folder


def make_settings(home: Path, project: Path, url: str | None, receiver: Promotions, **changes: Any) -> Settings:
    """Name every setting that matters, so that no variable of the environment has a say."""
    declared: dict[str, Any] = {
        "home": home,
        "project": project,
        "pipelines": "push.shelf_offers",
        "warehouse_url": url,
        "registry_url": url,
        "batches_uri": (home / "batches").as_uri(),
        "models_uri": (home / "models").as_uri(),
        "push_url": receiver.url,
        "push_token": SecretStr(TOKEN),
        "push_signing_key": SecretStr(SIGNING_KEY),
        "push_allowed_hosts": "127.0.0.1,localhost",
        "push_top": TOP,
        "push_by_department": False,
        "lock_timeout_seconds": LONG,
    }
    return Settings(**(declared | changes))
