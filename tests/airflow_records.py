"""What Airflow keeps of its runs: its own database, and the scheduler's log.

To look there costs Airflow nothing. A look through its API costs it a twentieth of a second that a task could use, so
whoever waits looks here, ten times a second, and asks the API when it is over.
"""

from typing import Any

import sqlalchemy as sa

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.local.airflow import LocalAirflow
from daybreak.local.airflow_api import AirflowRun
from waiting import until

_PAUSE = 0.1


class AirflowRecords:
    """The records of one Airflow."""

    def __init__(self, airflow: LocalAirflow, server: EmbeddedPostgres) -> None:
        self._log = airflow.folder / "logs" / "scheduler.log"
        self._engine = sa.create_engine(server.url("airflow"), poolclass=sa.NullPool)

    def wait_for_end(self, *runs: AirflowRun) -> None:
        """Wait until these runs have come to their end, or are no longer there."""
        going_on = "SELECT count(*) = 0 FROM dag_run WHERE run_id = ANY (:runs) AND state NOT IN ('success', 'failed')"
        self._wait(going_on, "runs to end", runs=[run.run_id for run in runs])

    def wait_for_task(self, run: AirflowRun, task_id: str, state: str) -> None:
        """Wait until a task of a run has come to a state; that the run ends before is an error."""
        task = "SELECT FROM task_instance WHERE run_id = :run AND task_id = :task AND state = :state"
        ended = "SELECT FROM dag_run WHERE run_id = :run AND state IN ('success', 'failed')"
        reached = f"SELECT CASE WHEN EXISTS ({task}) THEN :state WHEN EXISTS ({ended}) THEN 'ended' END"
        found = self._wait(reached, f"{task_id} to be {state}", run=run.run_id, task=task_id, state=state)
        assert found == state, f"{run.run_id} ended before"

    def wait_for_triggered(self, dag_id: str, partition: str | None = None, *known: AirflowRun) -> None:
        """Wait for a run, besides the known ones, that an asset's event starts: of a partition, or of any."""
        there = (
            "SELECT count(*) > 0 FROM dag_run WHERE dag_id = :dag AND run_type = 'asset_triggered' "
            "AND (CAST(:partition AS text) IS NULL OR partition_key = :partition) AND run_id <> ALL (:known)"
        )
        ids = [run.run_id for run in known]
        self._wait(there, f"an event to start {dag_id}", dag=dag_id, partition=partition, known=ids)

    def wait_until_heard(self, run: AirflowRun, *task_ids: str) -> None:
        """Wait until the scheduler has heard that the processes of these tasks have ended.

        Whoever wakes or clears a task in the second before that is faster than a person: the scheduler takes the end
        for that of the next process, and counts a try as lost.
        """
        ends = {f"task_id='{task_id}', run_id='{run.run_id}'" for task_id in task_ids}

        def heard() -> bool:
            events = [line for line in self._log.read_text().splitlines() if "Received executor event" in line]
            return all(any(end in event for event in events) for end in ends)

        until(heard, "the scheduler to hear of a process's end", pause=_PAUSE)

    def change(self, statement: str, **values: Any) -> int:
        """Change something, and return how many rows were changed."""
        with self._engine.begin() as connection:
            return connection.execute(sa.text(statement), values).rowcount

    def _wait(self, question: str, what: str, **values: Any) -> Any:
        asked = sa.text(question)
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return until(lambda: connection.execute(asked, values).scalar_one(), what, pause=_PAUSE)
