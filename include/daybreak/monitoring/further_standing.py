"""Further standing: what is read beside partitions: what is usual, what measurements say of models, open incidents."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daybreak.declaration.due import Promised
from daybreak.declaration.pipeline import Pipeline
from daybreak.monitoring.need_kinds import KINDS
from daybreak.monitoring.needs import Need
from daybreak.monitoring.pipeline_standing import Approval, Crossed
from daybreak.monitoring.reading import rows_of
from daybreak.monitoring.usual import Measured, before, measured

Row = dict[str, Any]


class FurtherStanding:
    """Read it for all pipelines by four queries, over the state of the ledger that the connection sees.

    ``expected`` are each pipeline's last partitions.
    """

    def __init__(
        self,
        connection: sa.Connection,
        declared: Sequence[Pipeline],
        expected: Mapping[str, Sequence[Promised]],
    ) -> None:
        names = [one.name for one in declared]
        models = ["\n".join(ref.name for ref in one.model_refs) for one in declared]
        self._compared = {
            one.name: (newest, *before(one, newest))
            for one in declared
            for newest in [next(last.partition for last in reversed(expected[one.name]) if last.is_open)]
        }
        wanted = [
            (name, key) for name, (newest, same, any_) in self._compared.items() for key in (newest.key, *same, *any_)
        ]
        asked = {"pipelines": [name for name, _ in wanted], "keys": [key for _, key in wanted]}
        found = rows_of(connection, "runs_before", **asked)
        self._runs = {(row["pipeline"], row["partition_key"]): row for row in found}
        crossed = rows_of(connection, "waiting_models", pipelines=names, models=models)
        self._crossed = {row["pipeline"]: row for row in crossed}
        self._approvals: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(connection, "approvals", pipelines=names):
            self._approvals[row["pipeline"]].append(row)
        self._incidents = rows_of(connection, "open_incidents")

    def of(self, pipeline: Pipeline) -> dict[str, Any]:
        """Return what there is of one pipeline, as fields of its standing."""
        return {
            "measured": self._measured(pipeline.name),
            "crossed": _crossed(self._crossed.get(pipeline.name)),
            "approvals": tuple(
                Approval(row["model_name"], row["version"], row["asked_by"], row["asked_at"])
                for row in self._approvals[pipeline.name]
            ),
        }

    def with_incidents(self, needs: Sequence[Need], *, only_seen: bool) -> list[Need]:
        """Give needs the incidents that are open of them.

        Unless ``only_seen`` there is one more for each incident that is no need of a pipeline's: only watching sees it.
        """
        known = {row["cause"]: row for row in self._incidents}
        found = [
            replace(need, incident=row["incident_id"], since=need.since or row["opened_at"])
            if (row := known.pop(need.cause, None))
            else need
            for need in needs
        ]
        if only_seen:
            return found
        return [*found, *(_need(row) for row in known.values() if KINDS[row["kind"]].seen_by_watching_alone)]

    def _measured(self, name: str) -> tuple[Measured, ...]:
        newest, same, others = self._compared[name]
        run = self._runs.get((name, newest.key))
        if run is None:
            return ()

        def known(keys: Sequence[str]) -> list[Row]:
            return [row for key in keys if (row := self._runs.get((name, key)))]

        return tuple(measured(run, known(same), known(others)))


def _crossed(row: Row | None) -> Crossed | None:
    if row is None:
        return None
    # Of a request from before kinds were kept it is not known which is which.
    by_kind: dict[str, list[str]] = defaultdict(list)
    for number, reason in enumerate(row["reasons"]):
        by_kind[row["kinds"][number] if row["kinds"] else "error"].append(reason)
    trained: datetime | None = row["trained_at"]
    return Crossed(
        row["partition_key"],
        tuple(by_kind["error"]),
        tuple(by_kind["drift"]),
        row["held_back"],
        row["requested_at"],
        trained,
    )


def _need(row: Row) -> Need:
    about = row["cause"].removeprefix(f"{row['kind']}/{row['pipeline']}").removeprefix("/") or None
    return Need(
        row["kind"],
        row["pipeline"],
        row["partition_key"],
        row["problem"],
        row["next_step"],
        row["command"],
        since=row["opened_at"],
        about=about,
        incident=row["incident_id"],
    )
