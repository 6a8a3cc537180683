"""A real Airflow on real sales, as tests use it: the warehouse is a server of its own, so that it can be restarted."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from airflow_records import AirflowRecords
from collectors import Collector
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.embedded.processes import recorded
from daybreak.local.airflow import LocalAirflow
from daybreak.local.airflow_api import AirflowRun
from daybreak.local.airflow_environment import USER
from daybreak.local.airflow_http import AirflowHttp
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from loopback import loopback
from parcels import administer
from ports import free_port
from real_sales import TEMPLATE, RealSales, models_of, real_sales
from receivers import Mailbox
from retail.demand_forecast import DEMAND_FORECAST
from waiting import LONG, until

DAG, WATCH = DEMAND_FORECAST.name, "watch"
DAGS = (
    DAG,
    "customer_segments",
    "customer_recommendations",
    "measure_predictions",
    "promote_models",
    "replay_quarantine",
    "train_models",
    WATCH,
)
DATABASE = "sales_in_airflow"


@dataclass(frozen=True)
class Receivers:
    """Who is told by the DAG that watches: whoever takes what is posted, and a mailbox."""

    posted: Collector
    mailbox: Mailbox

    @property
    def addresses(self) -> dict[str, SecretStr]:
        """Their addresses, as settings name them."""
        posted = self.posted.url.replace("http://", "json://")
        return {"team": SecretStr(posted), "mail": SecretStr(self.mailbox.url)}

    def forget(self) -> None:
        """Empty them."""
        self.posted.bodies.clear()
        self.mailbox.mails.clear()

    def messages(self) -> list[tuple[str, str]]:
        """Return title and text of what was posted; a mail of each is there too."""
        bodies = [json.loads(body) for _, body in self.posted.bodies]
        told = [(body["title"], body["message"]) for body in bodies]
        mails = [(subject, " ".join(text.split())) for subject, text in self.mailbox.mails]
        assert sorted(mails) == sorted((title, " ".join(text.split())) for title, text in told)
        return told


@dataclass(frozen=True)
class Looked:
    """What one run of the DAG that watches has changed, by cause, the messages that it sent, and Today after it."""

    opened: set[str]
    closed: set[str]
    told: list[tuple[str, str]]
    today: str


class Stack:
    """An Airflow that runs pipelines on a copy of the real sales, first of all the demand forecast."""

    def __init__(
        self,
        airflow: LocalAirflow,
        sales: RealSales,
        settings: Settings,
        warehouse: EmbeddedPostgres,
        own: EmbeddedPostgres,
        receivers: Receivers,
    ) -> None:
        self.airflow = airflow
        self.last_day = sales.last_day
        self.sales = sales
        self.settings = settings
        self.workspace = Workspace(settings)
        self.http = AirflowHttp(airflow.api.url, USER, airflow.password)
        self.receivers = receivers
        self.records = AirflowRecords(airflow, own)
        self._server = warehouse

    def day(self, back: int) -> date:
        """Name a day: 1 is yesterday."""
        return self.last_day - timedelta(days=back)

    def trigger(self, partition: date | str | None, **params: Any) -> AirflowRun:
        """Start a run."""
        return self.airflow.api.trigger(DAG, str(partition) if partition else None, params)

    def start(self, dag_id: str, partition: date | None = None, **params: Any) -> AirflowRun:
        """Start a run of any DAG."""
        return self.airflow.api.trigger(dag_id, str(partition) if partition else None, params)

    def triggered(self, dag_id: str, partition: date | str | None, *known: AirflowRun) -> AirflowRun:
        """Wait for the run of a partition, besides the known ones, that an asset's event starts."""
        self.records.wait_for_triggered(dag_id, str(partition), *known)
        return self.airflow.api.triggered(dag_id, str(partition), [run.run_id for run in known], timeout=LONG)

    def finished(self, *runs: AirflowRun) -> list[AirflowRun]:
        """Wait until runs have come to their end, and return them."""
        self.records.wait_for_end(*runs)
        return list(self.airflow.api.follow(runs, timeout=LONG))[-1]

    def look(self) -> Looked:
        """Have the DAG that watches look once."""
        before = len(self.receivers.messages())
        [run] = self.finished(self.start(WATCH))
        assert (run.state, dict(run.tasks)) == ("success", {"look": "success"})
        changed = self.ask(
            "SELECT cause, closed_at IS NULL FROM ledger.incidents "
            "WHERE closed_by = :by OR closed_at IS NULL AND opened_at >= :began",
            by=f"{WATCH}/{run.run_id}",
            began=self.http.send("GET", f"/api/v2/dags/{WATCH}/dagRuns/{run.run_id}")["start_date"],
        )
        return Looked(
            {cause for cause, is_open in changed if is_open},
            {cause for cause, is_open in changed if not is_open},
            self.receivers.messages()[before:],
            self.page("today"),
        )

    def page(self, address: str) -> str:
        """Return one of Daybreak's pages, as somebody sees it who has logged in."""
        login = {"username": USER, "password": self.airflow.password}
        url = self.airflow.api.url
        token = loopback().post(f"{url}/auth/token", json=login).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
        return loopback().get(f"{url}/daybreak/{address}", headers=headers).raise_for_status().text

    def clear(self, run: AirflowRun) -> None:
        """Clear a whole run that has come to its end, as a person does in the UI."""
        ran = [task_id for task_id, state in run.tasks.items() if state in ("success", "failed")]
        self.records.wait_until_heard(run, *ran)
        body = {"dry_run": False, "only_failed": False}
        self.http.send("POST", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/clear", json=body)

    def pause(self, dag_id: str, *, paused: bool = True) -> None:
        """Pause a DAG, or let it run."""
        self.http.send("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": paused})

    def forget_runs(self, dag_id: str) -> None:
        """Delete a DAG's runs, so that each partition may have its first one again."""
        for run in self.airflow.api.runs(dag_id):
            address = f"/api/v2/dags/{dag_id}/dagRuns/{run.run_id}"
            if not run.finished:  # a test has failed before its end
                self.http.send("PATCH", address, json={"state": "failed"})
            self.http.send("DELETE", address)

    def tries(self, run: AirflowRun) -> dict[str, int]:
        """Return how often each task of a run was tried."""
        found = self.http.send("GET", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances")
        return {task["task_id"]: task["try_number"] for task in found["task_instances"]}

    def labels(self, run: AirflowRun) -> dict[str, list[str]]:
        """Return what each mapped task of a run is called in the UI."""
        found = self.http.send("GET", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances")
        labels: dict[str, list[str]] = {}
        for task in found["task_instances"]:
            if task["map_index"] >= 0:
                labels.setdefault(task["task_id"], []).append(task["rendered_map_index"])
        return labels

    def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Query the warehouse, or change it."""
        with self.workspace.warehouse.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    def ledger(self, run: AirflowRun) -> list[dict[str, Any]]:
        """Return what the ledger holds of an Airflow run, the first attempt first."""
        with self.workspace.warehouse.begin() as connection:
            wanted = sa.text("SELECT * FROM ledger.runs WHERE origin = :origin ORDER BY run_id")
            return [
                dict(row) for row in connection.execute(wanted, {"origin": f"{run.dag_id}/{run.run_id}"}).mappings()
            ]

    def events(self, **filters: Any) -> list[dict[str, Any]]:
        """List events of assets, the oldest first; filters are those of Airflow's own API."""
        query = {"order_by": "timestamp", "limit": 100, **filters}
        listed: list[dict[str, Any]] = self.http.send("GET", "/api/v2/assets/events", params=query)["asset_events"]
        return listed

    def forecasts(self, day: date) -> list[tuple[Any, ...]]:
        """Return what analysts see of a partition."""
        return self.ask(
            "SELECT store_id, product_category, predicted_units FROM predictions.demand_forecast "
            "WHERE partition_date = :day ORDER BY 1, 2",
            day=day,
        )

    @contextmanager
    def holding(self, table: str) -> Iterator[None]:
        """Lock a table, so that whoever reads or writes it waits; lets go also where the server goes away."""
        engine = sa.create_engine(self._server.url(DATABASE), poolclass=sa.NullPool)
        connection = engine.connect()
        connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            connection.invalidate()
            connection.close()

    def hurry(self, run: AirflowRun) -> None:
        """Have a plan that is put off be due, as if its time had come."""
        self.records.wait_until_heard(run, "plan")
        due = (
            "UPDATE task_reschedule SET reschedule_date = now() FROM task_instance WHERE ti_id = task_instance.id "
            "AND run_id = :run"
        )
        assert self.records.change(due, run=run.run_id) == 1

    def wait_for_a_waiting_task(self) -> None:
        """Wait until a task stands at a lock that is held."""
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
        until(lambda: self.ask(waiting) != [(0,)], "a task to come to the lock")

    def kill_tasks(self) -> int:
        """SIGKILL every task that runs; return how many processes there were."""
        scheduler = recorded(self.airflow.folder / "run")["scheduler"]
        tasks = [member for member in scheduler.session() if os.getpgid(member.pid) != scheduler.pid]
        for task in tasks:
            task.send_signal(signal.SIGKILL)
        return len(tasks)

    def restart_warehouse(self) -> None:
        """Stop the warehouse's server under everybody, and start it again."""
        self._server.stop()
        EmbeddedPostgres(self._server.folder.parent).use().release()


class SharedAirflow:
    """One Airflow for several modules of tests, each of which finds a new copy of the sales and no runs."""

    def __init__(self, home: Path, warehouse: EmbeddedPostgres, receivers: Receivers) -> None:
        self._warehouse = warehouse
        self._receivers = receivers
        self._own = EmbeddedPostgres(home)
        # Names and places are known before the sales are loaded.
        self._settings = Settings(
            home=home,
            pipelines="quick_retail",
            warehouse_url=warehouse.url(DATABASE),
            registry_url=warehouse.url(DATABASE),
            batches_uri=(home / "batches").as_uri(),
            models_uri=models_of(warehouse),
            port=free_port(),
            alert=receivers.addresses,
            # How full the machine's disks are is none of the tests' business.
            alerts_storage_percent=100,
            airflow_url="https://airflow.example.com",
        )
        self._airflow = LocalAirflow(self._settings, self._own, dags=DAGS, schedules=False)

    def stop(self) -> None:
        """End it."""
        self._airflow.stop()
        self._own.release()

    @contextmanager
    def with_dags(self, *dags: str) -> Iterator[Stack]:
        """Let these DAGs run, and no others, on a copy of the sales that nobody has changed."""
        self._airflow.launch()
        sales = real_sales(self._warehouse)
        with administer(self._warehouse) as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            connection.exec_driver_sql(f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        shutil.rmtree(self._settings.home / "batches", ignore_errors=True)
        self._airflow.wait_until_healthy(timeout=LONG)
        self._receivers.forget()
        stack = Stack(self._airflow, sales, self._settings, self._warehouse, self._own, self._receivers)
        for dag_id in DAGS:
            stack.forget_runs(dag_id)
            stack.pause(dag_id, paused=dag_id not in dags)
        yield stack
        stack.http.close()
        stack.workspace.close()
