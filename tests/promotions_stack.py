"""A real Airflow that pushes to a real promotions system, on sales made up for it: small, quick, of the last weeks."""

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from airflow_records import AirflowRecords
from collectors import Collector
from daybreak.declaration.partition import day_calendar
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.local.airflow import LocalAirflow
from daybreak.local.airflow_api import AirflowRun
from daybreak.local.airflow_environment import USER
from daybreak.local.airflow_http import AirflowHttp
from daybreak.local.demonstration_schema import hand_over, staged
from daybreak.models.aliases import Decision
from daybreak.run.plan import query_binds
from daybreak.settings import PROJECT, Settings
from daybreak.training.past import Past
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace
from local_days import local_day
from ports import free_port
from processes import environment
from promotions import SIGNING_KEY, TOKEN
from push.receiver import Receiver
from waiting import LONG

DAG, LEAKY, WATCH = "daily_promotions", "leaky_promotions", "watch"
TIMEZONE = "America/New_York"
PRODUCTS, TOP, CHUNKS, RETRIES = 1_200, 120, 2, 2

# The real declaration, but that days before yesterday may be pushed too; and one whose offers cannot be decided.
PIPELINES = f'''
from dataclasses import replace
from datetime import timedelta

from retail.daily_promotions import DAILY_PROMOTIONS
from retail.daily_promotions.offers import Offers

LATE = {{"max_staleness": timedelta(days=30), "valid_for": timedelta(days=30)}}
DAILY = replace(DAILY_PROMOTIONS, push=replace(DAILY_PROMOTIONS.push, **LATE))
LEAKY = replace(DAILY, name="{LEAKY}", push=replace(DAILY.push, offers="pushing_pipelines:Undecided"))
PIPELINES = (DAILY, LEAKY)


class Undecided(Offers):
    def items(self):
        best = [offer["probability"] for offer in super().items()]
        raise ValueError(f"cannot decide between {{best}}")
'''
# Each product sells on some days, some more often than others; the last day is there whole.
SALES = sa.text(
    "INSERT INTO retail_loading.transactions SELECT 1, 1 + product % 7, product * 1000 + n, product, 1, "
    "2 + product % 9, CASE product % 3 WHEN 0 THEN 1 ELSE 0 END, 0, 0, 1, day + interval '17 hours' "
    "FROM generate_series(1, :products) AS product, "
    "generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), interval '1 day') "
    "WITH ORDINALITY AS days (day, n) "
    "WHERE (hashint8(product * 7919 + n * 104729) & 1023) < 60 + product % 700"
)
CATALOGUE = sa.text(
    "INSERT INTO retail_loading.products SELECT product, 1, CASE product % 4 WHEN 0 THEN 'PRODUCE' ELSE 'GROCERY' END, "
    "'National', 'CATEGORY ' || product % 20, 'TYPE', '1 LB' FROM generate_series(1, :products) AS product"
)


class Pushing:
    """An Airflow with the DAG of the daily promotions, the promotions system that it pushes to, and their logs."""

    def __init__(
        self,
        airflow: LocalAirflow,
        settings: Settings,
        server: EmbeddedPostgres,
        receiver: Receiver,
        last_day: date,
        posted: Collector,
    ) -> None:
        self.airflow = airflow
        self.settings = settings
        self.receiver = receiver
        self.last_day = last_day
        self.posted = posted
        self.workspace = Workspace(settings)
        self.http = AirflowHttp(airflow.api.url, USER, airflow.password)
        self.records = AirflowRecords(airflow, server)

    def day(self, back: int) -> date:
        """Name a day: 0 is the last one that is over."""
        return self.last_day - timedelta(days=back)

    def run(self, back: int, dag_id: str = DAG, **params: Any) -> AirflowRun:
        """Run a day, and wait for its end."""
        return self.finished(self.airflow.api.trigger(dag_id, str(self.day(back)), params))[0]

    def look(self) -> list[tuple[str, str]]:
        """Have the DAG that watches look once; return title and text of what was told."""
        before = len(self.posted.bodies)
        [run] = self.finished(self.airflow.api.trigger(WATCH, None, {}))
        assert run.state == "success"
        told = [json.loads(body) for _, body in self.posted.bodies[before:]]
        return [(one["title"], one["message"]) for one in told]

    def let_it_be_ago(self, run: AirflowRun, *, minutes: int) -> None:
        """Have a run have ended so many minutes before it did."""
        statement = sa.text(
            "UPDATE ledger.runs SET finished_at = finished_at - make_interval(mins => :minutes) WHERE origin = :origin"
        )
        with self.workspace.warehouse.begin() as connection:
            connection.execute(statement, {"minutes": minutes, "origin": f"{run.dag_id}/{run.run_id}"})

    def finished(self, *runs: AirflowRun) -> list[AirflowRun]:
        """Wait until runs have come to their end, and return them."""
        self.records.wait_for_end(*runs)
        return list(self.airflow.api.follow(runs, timeout=LONG))[-1]

    def clear(self, run: AirflowRun, task_id: str) -> None:
        """Clear one task of a run as the UI does: with what comes after it, and with what has to come before."""
        self.records.wait_until_heard(run, task_id)
        body = {"dry_run": False, "task_ids": [task_id], "dag_run_id": run.run_id, "only_failed": False}
        body |= {"include_downstream": True, "include_upstream": False, "reset_dag_runs": True}
        self.http.send("POST", f"/api/v2/dags/{run.dag_id}/clearTaskInstances", json=body)

    def tries(self, run: AirflowRun) -> dict[str, int]:
        """Return how often each task of a run was tried."""
        found = self.http.send("GET", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances")
        return {task["task_id"]: task["try_number"] for task in found["task_instances"]}

    def reference(self, run: AirflowRun, task_id: str) -> Any:
        """Return what a task handed on."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.http.send("GET", path)["value"]

    def log(self, run: AirflowRun, task_id: str) -> str:
        """Return the log of all tries of a task."""
        return "\n".join(file.read_text() for file in self.logs(run, task_id))

    def logs(self, run: AirflowRun, task_id: str) -> list[Path]:
        """Return the log of each try of a task."""
        folder = self.airflow.folder / "logs" / f"dag_id={run.dag_id}" / f"run_id={run.run_id}" / f"task_id={task_id}"
        return sorted(folder.glob("*.log"))

    def ledger(self, run: AirflowRun) -> list[dict[str, Any]]:
        """Return what the ledger holds of an Airflow run, the first attempt first."""
        with self.workspace.warehouse.begin() as connection:
            wanted = sa.text("SELECT * FROM ledger.runs WHERE origin = :origin ORDER BY run_id")
            found = connection.execute(wanted, {"origin": f"{run.dag_id}/{run.run_id}"})
            return [dict(row) for row in found.mappings()]

    def deliveries(self, back: int) -> list[tuple[str, int]]:
        """Return state and attempts of a day's chunks."""
        from daybreak.ledger.deliveries import Deliveries

        found = Deliveries(self.workspace.warehouse, DAG, self.day(back)).list()
        return [(chunk["state"], chunk["attempts"]) for chunk in found]

    def offered(self, back: int) -> list[dict[str, Any]]:
        """Return the offers of a day that are active, by rank; an offer that is there twice is an error."""
        listed: list[dict[str, Any]] = self.receiver.listing(self.day(back), state="active")["offers"]
        assert len({offer["product_id"] for offer in listed}) == len(listed)
        assert [offer["rank"] for offer in listed] == list(range(1, len(listed) + 1))
        return listed

    def scores(self, back: int, *, with_profile: bool = False) -> list[float]:
        """Score a day as its run did; scores that the model's profile of held-out days names anyway are left out."""
        pipeline = self.workspace.pipeline(DAG)
        partition = local_day(self.day(back), TIMEZONE)
        version = self.workspace.registry.resolve(pipeline.model)
        query = load_sql(self.workspace.sql(pipeline, "extract"))
        with self.workspace.warehouse.stream(query, query_binds(partition), count=False) as (_, reader):
            rows = reader.read_all().to_pandas()
        model = self.workspace.registry.load(version)
        predicted: list[float] = model.predict_proba(rows[version.signature.names])[:, 1].tolist()
        assert version.score_profile is not None
        return predicted if with_profile else sorted(set(predicted) - set(version.score_profile["bins"]))

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command with the promotions system as its receiver."""
        receiving = {"PUSH_URL": self.receiver.url, "PUSH_TOKEN": TOKEN, "PUSH_SIGNING_KEY": SIGNING_KEY}
        variables = environment(self.settings) | {f"DAYBREAK_{name}": value for name, value in receiving.items()}
        program = str(Path(sys.executable).with_name("daybreak"))
        return subprocess.run(
            [program, *arguments], env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )

    def kill_whoever_sends(self) -> None:
        """SIGKILL the task that has a connection to the promotions system."""
        [sender] = {
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.raddr and connection.raddr.port == self.receiver.port and connection.status == "ESTABLISHED"
            if connection.pid not in (None, os.getpid())
        }
        os.kill(sender or 0, signal.SIGKILL)

    def staged(self) -> list[Path]:
        """List the files of batches that are there."""
        return [path for path in (self.settings.home / "batches").rglob("*") if path.is_file()]

    def written(self) -> Iterator[tuple[str, bytes]]:
        """Yield everything that was written: the home's files, and every table of every database but the receiver's."""
        for file in sorted(self.settings.home.rglob("*")):
            if file.is_file() and "postgres" not in file.relative_to(self.settings.home).parts[0]:
                yield str(file.relative_to(self.settings.home)), file.read_bytes()
        for url in {self.workspace.warehouse.url.set(database=name) for name in ("daybreak", "airflow", "mlflow")}:
            engine = sa.create_engine(url)
            with engine.connect() as connection:
                tables = connection.execute(
                    sa.text(
                        "SELECT schemaname, tablename FROM pg_tables "
                        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'retail')"
                    )
                ).all()
                for schema, table in tables:
                    rows = connection.exec_driver_sql(f'SELECT t::text FROM "{schema}"."{table}" AS t').scalars()
                    yield f"{url.database}.{schema}.{table}", "\n".join(rows).encode()
            engine.dispose()


@contextmanager
def pushing(home: Path, monkeypatch: pytest.MonkeyPatch, posted: Collector) -> Iterator[Pushing]:
    """Start Airflow and the promotions system and, meanwhile, make up sales and a model."""
    project = _lay_out(home / "project", monkeypatch)
    postgres = EmbeddedPostgres(home).use()
    receiver = Receiver(postgres.url("promotions"), home / "promotions.log").start()
    monkeypatch.setenv("AIRFLOW_CONN_PROMOTIONS", json.dumps(_connection(receiver)))
    settings = Settings(
        home=home,
        project=project,
        pipelines="pushing_pipelines",
        alert={"team": SecretStr(posted.url.replace("http://", "json://"))},
        alerts_storage_percent=100,
        warehouse_url=postgres.url("daybreak"),
        registry_url=postgres.url("mlflow"),
        push_top=TOP,
        port=free_port(),
    )
    airflow = LocalAirflow(settings, postgres, dags=[DAG, LEAKY, WATCH], schedules=False)
    try:
        airflow.launch()
        last_day = day_calendar(TIMEZONE).last_complete(datetime.now(UTC)).first_day
        _stock(settings, last_day)
        airflow.wait_until_healthy(timeout=LONG)
        for dag_id in (DAG, LEAKY):
            airflow.api.unpause(dag_id)
        stack = Pushing(airflow, settings, postgres, receiver, last_day, posted)
        yield stack
        stack.http.close()
        stack.workspace.close()
    finally:
        airflow.stop()
        receiver.kill()
        postgres.release()


def _connection(receiver: Receiver) -> dict[str, Any]:
    impatient = {"open_circuit_after": 3, "first_pause_seconds": 0.05, "longest_pause_seconds": 0.1}
    return {
        "conn_type": "generic",
        "schema": "http",
        "host": "127.0.0.1",
        "port": receiver.port,
        "password": TOKEN,
        "extra": {"signing_key": SIGNING_KEY, "read_seconds": 60, "request_seconds": 60, **impatient},
    }


def _lay_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out a project: the real DAG with shorter pauses, the real plugins and queries, the pipelines from above."""
    for folder in ("dags", "sql", "include"):
        (project / folder).mkdir(parents=True)
    (project / "plugins").symlink_to(PROJECT / "plugins")
    for queries in (PROJECT / "sql").iterdir():
        (project / "sql" / queries.name).symlink_to(queries)
    (project / "sql" / LEAKY).symlink_to(PROJECT / "sql" / DAG)
    (project / "include" / "pushing_pipelines.py").write_text(PIPELINES)
    declared = (PROJECT / "dags" / f"{DAG}.py").read_text()
    quick = f"doc_md=__doc__, default_args={{'retries': {RETRIES}, 'retry_delay': timedelta(seconds=1)}}"
    declared = _replaced(declared, "doc_md=__doc__", quick)
    declared = _replaced(
        declared, "\nfrom daybreak_airflow", "\nfrom datetime import timedelta\n\nfrom daybreak_airflow"
    )
    (project / "dags" / f"{DAG}.py").write_text(declared)
    leaky = _replaced(
        declared,
        "from retail.daily_promotions import DAILY_PROMOTIONS",
        "from pushing_pipelines import LEAKY as DAILY_PROMOTIONS",
    )
    (project / "dags" / f"{LEAKY}.py").write_text(leaky)
    (project / "dags" / f"{WATCH}.py").symlink_to(PROJECT / "dags" / f"{WATCH}.py")
    around = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(project / "include"), around))))
    monkeypatch.syspath_prepend(project / "include")
    importlib.invalidate_caches()
    return project


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    return text.replace(old, new)


def _stock(settings: Settings, last_day: date) -> None:
    """Make up sales, and register a model that was fitted on a week of them and held against the next, before all runs.

    Whole weeks: a model that has seen some weekdays only spreads its scores otherwise on the others, and no push would
    start where the tests run on such a day.
    """
    from retail.daily_promotions.training import CATEGORIES, NUMBERS, TARGET, build, profile

    workspace = Workspace(settings)
    pipeline = workspace.pipeline(DAG)
    with staged(workspace.ledger.warehouse, PROJECT / "sql"):
        with workspace.warehouse.begin() as connection:
            span = {"products": PRODUCTS, "first": last_day - timedelta(days=49), "last": last_day + timedelta(days=1)}
            connection.execute(SALES, span)
            connection.execute(CATALOGUE, {"products": PRODUCTS})
        hand_over(workspace.warehouse, PROJECT / "sql")
    past = Past(workspace, pipeline, last_day)
    spans = [(last_day - timedelta(days=n), last_day - timedelta(days=n - 6)) for n in (20, 13)]
    seen, unseen = (past.rows(*span).to_pandas() for span in spans)
    model = build().set_params(histgradientboostingclassifier__max_iter=8)
    model.fit(seen[CATEGORIES + NUMBERS], seen[TARGET])
    version = workspace.registry.register(
        pipeline.model.name,
        model,
        seen[CATEGORIES + NUMBERS].head(100),
        trained_through=last_day - timedelta(days=13),
        method=pipeline.prediction.method,
        score_profile=profile(model.predict_proba(unseen[CATEGORIES + NUMBERS])[:, 1]),
    )
    workspace.aliases(pipeline.model).move(version.version, Decision("test"))
    workspace.close()
