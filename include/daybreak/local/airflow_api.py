"""Airflow's REST API, as far as the command line needs it: unpause, trigger, backfill, and follow runs to their end."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from daybreak.errors import TerminalError, TransientError
from daybreak.local.airflow_http import AirflowHttp

Reprocess = Literal["none", "failed", "completed"]

_PAGE = 100
# To ask for a run by itself takes a third of the time that a list takes, however short.
_FEW = 2
# A backfill gets all its runs right when it is made; one that is older and has none left is finished.
_BACKFILL_MADE = timedelta(seconds=2)


@dataclass(frozen=True)
class AirflowRun:
    """One DAG run as Airflow sees it now."""

    dag_id: str
    run_id: str
    partition: str | None
    state: str
    run_type: str
    started: datetime | None
    ended: datetime | None
    tasks: Mapping[str, str] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Tell whether the run has come to an end, a good or a bad one."""
        return self.state in ("success", "failed")


class AirflowApi:
    """A client of one Airflow."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._http = AirflowHttp(url, user, password)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> dict[str, Any] | None:
        """Return each component's health, or None while nobody answers."""
        # The first request to the tasks' own API builds it, which takes three seconds: better now than in a task.
        if self._http.look("/execution/health") is None:
            return None
        return self._http.look("/api/v2/monitor/health")

    def parsed_at(self, dag_id: str) -> datetime | None:
        """Return when the DAG's file was last parsed, or None if Airflow does not know the DAG."""
        response = self._http.send("GET", f"/api/v2/dags/{dag_id}", absent_ok=True)
        if response is None or response["is_stale"] or not response["last_parsed_time"]:
            return None
        return datetime.fromisoformat(response["last_parsed_time"])

    def import_errors(self) -> list[tuple[str, str, datetime]]:
        """List the DAG files that cannot be imported, each with its error and when it was met."""
        errors = self._http.send("GET", "/api/v2/importErrors")["import_errors"]
        return [
            (error["filename"], error["stack_trace"].strip(), datetime.fromisoformat(error["timestamp"]))
            for error in errors
        ]

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run the DAG; a paused one only collects queued runs."""
        self._http.send("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, partition: str | None, params: Mapping[str, Any] | None = None) -> AirflowRun:
        """Start a run of one partition, or of the last complete day if none is named."""
        body = {"logical_date": None, "partition_key": partition, "conf": dict(params or {})}
        return _run(self._http.send("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body))

    def backfill(
        self,
        dag_id: str,
        first: date,
        last: date,
        params: Mapping[str, Any] | None = None,
        *,
        reprocess: Reprocess = "none",
        max_active_runs: int = 2,
    ) -> list[AirflowRun]:
        """Ask for a run of every partition from first to last, and return the newest run of each.

        Partitions that Airflow leaves out, because they have a run that ``reprocess`` does not cover, come with that.
        """
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "dag_run_conf": dict(params) if params else None,
            "reprocess_behavior": reprocess,
            "max_active_runs": max_active_runs,
        }
        while self._http.send("POST", "/api/v2/backfills", json=body, conflict_ok=True) is None:
            self._close_finished_backfills(dag_id)
        newest = {
            run.partition: run for run in reversed(self.runs(dag_id, partition_date_gte=first, partition_date_lte=last))
        }
        wanted = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
        if missing := [key for key in wanted if key not in newest]:
            raise TerminalError(
                f"Airflow made no run for {', '.join(missing)}.",
                next_step="schedule the DAG at midnight; at another hour Airflow leaves days of a range out.",
                pipeline=dag_id,
            )
        return [newest[key] for key in wanted]

    def runs(self, dag_id: str, **filters: Any) -> list[AirflowRun]:
        """List a DAG's runs, the newest first; filters are those of Airflow's own API."""
        return list(self._runs(dag_id, **filters))

    def triggered(self, dag_id: str, partition: str, known: Collection[str], *, timeout: float = 60) -> AirflowRun:
        """Wait for the run of a partition that an asset's event starts; ``known`` are the ids of runs before it."""
        deadline = time.monotonic() + timeout
        while True:
            for run in self._runs(dag_id, run_type="asset_triggered"):
                if run.partition == partition and run.run_id not in known:
                    return run
            if time.monotonic() > deadline:
                raise TransientError(
                    f"The asset's event has started no run of {partition} after {timeout:.0f} s.",
                    next_step=f"look at {self.url}/dags/{dag_id}/runs, and whether the DAG is paused.",
                    pipeline=dag_id,
                )
            time.sleep(0.5)

    def follow(self, runs: Iterable[AirflowRun], *, timeout: float, interval: float = 1) -> Iterator[list[AirflowRun]]:
        """Yield the runs with the states of their tasks whenever one changed, until all have come to an end.

        It looks every ``interval`` seconds: a look costs Airflow a twentieth of a second that a task could use.
        """
        followed = list(runs)
        seen: list[AirflowRun] = []
        deadline = time.monotonic() + timeout
        while not (seen and all(run.finished for run in seen)):
            if time.monotonic() > deadline:
                left = ", ".join(run.partition or run.run_id for run in seen if not run.finished)
                raise TransientError(
                    f"Not finished after {timeout:.0f} s: {left}.",
                    next_step=f"they go on; look at {self.url}/dags/{followed[0].dag_id}/runs.",
                    pipeline=followed[0].dag_id,
                )
            current = self._current(followed, seen)
            if current != seen:
                yield current
                seen = current
            if not all(run.finished for run in seen):
                time.sleep(interval)

    def _current(self, followed: list[AirflowRun], seen: list[AirflowRun]) -> list[AirflowRun]:
        """Look at the runs that had not come to an end when they were seen; the others stay as they were."""
        found = {run.run_id: run for run in seen if run.finished}
        rest = [run for run in followed if run.run_id not in found]
        now: list[AirflowRun] = []
        for dag_id in {run.dag_id for run in rest}:
            wanted = {run.run_id for run in rest if run.dag_id == dag_id}
            now += self._looked_up(dag_id, wanted)
            if missing := wanted - {run.run_id for run in now}:
                raise TerminalError(
                    f"The run {min(missing)} was deleted.", next_step="ask for the partition again.", pipeline=dag_id
                )
        # After the runs: those of a run that has come to an end stay as they are.
        tasks = self._tasks(rest)
        found |= {run.run_id: _with_tasks(run, tasks.get(run.run_id, {})) for run in now}
        return [found[run.run_id] for run in followed]

    def _looked_up(self, dag_id: str, wanted: set[str]) -> Iterator[AirflowRun]:
        """Yield the runs of these ids, as far as they are there."""
        if len(wanted) <= _FEW:
            for run_id in wanted:
                address = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
                if (run := self._http.send("GET", address, absent_ok=True)) is not None:
                    yield _run(run)
            return
        missing = set(wanted)
        # They are the newest, as a rule, and each run that is listed costs Airflow some milliseconds.
        for run in self._runs(dag_id, first_page=len(wanted)):
            if run.run_id in missing:
                missing.remove(run.run_id)
                yield run
            if not missing:
                return

    def _runs(self, dag_id: str, *, first_page: int = _PAGE, **filters: Any) -> Iterator[AirflowRun]:
        offset, size = 0, min(first_page, _PAGE)
        while True:
            query = {"order_by": "-id", "limit": size, "offset": offset, **filters}
            page = self._http.send("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=query)
            yield from map(_run, page["dag_runs"])
            offset, size = offset + size, _PAGE
            if offset >= page["total_entries"]:
                return

    def _tasks(self, runs: list[AirflowRun]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        body = {"dag_ids": sorted({run.dag_id for run in runs}), "dag_run_ids": [run.run_id for run in runs]}
        offset = 0
        while True:
            paged = {**body, "page_limit": _PAGE, "page_offset": offset}
            page = self._http.send("POST", "/api/v2/dags/~/dagRuns/~/taskInstances/list", json=paged)
            for task in page["task_instances"]:
                found.setdefault(task["dag_run_id"], {})[task["task_id"]] = task["state"] or "waiting"
            offset += _PAGE
            if offset >= page["total_entries"]:
                return found

    def _close_finished_backfills(self, dag_id: str) -> None:
        """Close backfills that have no run left; the scheduler looks for them every 30 seconds only."""
        if any(self._runs(dag_id, run_type="backfill", state=["queued", "running"])):
            raise TerminalError(
                "Airflow runs another backfill of this pipeline, and allows one at a time.",
                next_step=f"wait for it or cancel it at {self.url}/dags/{dag_id}/backfills, then ask again.",
                pipeline=dag_id,
            )
        listed = self._http.send(
            "GET", "/api/v2/backfills", params={"dag_id": dag_id, "order_by": "-id", "limit": _PAGE}
        )
        for backfill in listed["backfills"]:
            age = datetime.now(UTC) - datetime.fromisoformat(backfill["created_at"])
            if backfill["completed_at"] is None and age > _BACKFILL_MADE:
                self._http.send("PUT", f"/api/v2/backfills/{backfill['id']}/cancel", conflict_ok=True)
        time.sleep(0.3)


def _run(answer: Mapping[str, Any]) -> AirflowRun:
    return AirflowRun(
        dag_id=answer["dag_id"],
        run_id=answer["dag_run_id"],
        partition=answer["partition_key"],
        state=answer["state"],
        run_type=answer["run_type"],
        started=_instant(answer["start_date"]),
        ended=_instant(answer["end_date"]),
    )


def _with_tasks(run: AirflowRun, tasks: Mapping[str, str]) -> AirflowRun:
    return AirflowRun(**{**run.__dict__, "tasks": tasks})


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
