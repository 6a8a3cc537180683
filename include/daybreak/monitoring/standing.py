"""Standing: how every pipeline stands at a moment, read from the calendar and, by a few queries, from the ledger.

The terminal and the pages show this and nothing else. How much is read does not grow with the rows of predictions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from daybreak.declaration.due import Promised, next_promised, promised
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak.monitoring.further_standing import FurtherStanding
from daybreak.monitoring.model_needs import model_needs
from daybreak.monitoring.needs import Need, broken_needs, needs_of
from daybreak.monitoring.partition_standing import PartitionStanding, standing_of
from daybreak.monitoring.pipeline_standing import Challenger, Drifted, LastError, Open, PipelineStanding
from daybreak.monitoring.reading import reading, rows_of
from daybreak.monitoring.usual_needs import usual_needs
from daybreak.training.metrics import PRIMARY
from daybreak.warehouse.database import Warehouse

# So many partitions say what is usual, and a pipeline owes the last few of them.
RECENT, OWED = 30, 7
# Of fewer partitions nothing is usual.
_LEAST_USUAL = 5


@dataclass(frozen=True)
class Standing:
    """All pipelines at a moment, and what needs a person, the most urgent first."""

    now: datetime
    pipelines: tuple[PipelineStanding, ...]
    needs: tuple[Need, ...]

    @property
    def quiet(self) -> bool:
        """Whether nothing needs a person."""
        return not self.needs


def read_standing(
    warehouse: Warehouse,
    declared: Sequence[Pipeline],
    now: datetime,
    *,
    broken: Mapping[str, ConfigurationError] | None = None,
    count: int = RECENT,
    only_seen: bool = False,
) -> Standing:
    """Read how the pipelines stand at ``now``, with their last ``count`` partitions.

    ``broken`` are declarations that cannot be used, by reference. Open incidents of what only watching sees are among
    the needs, unless what is ``only_seen`` here is asked for. One state of the ledger is read. Raises TransientError
    where the warehouse is away.
    """
    expected = {one.name: promised(one.calendar, one.due, now, count) for one in declared}
    models = [ref.name for one in declared for ref in one.model_refs]
    of_pipeline = ["\n".join(ref.name for ref in one.model_refs) for one in declared]
    names = [one.name for one in declared]
    metrics = [PRIMARY[one.measures] if one.measures else None for one in declared]
    wanted = [(name, found.partition.key) for name, days in expected.items() for found in days]
    with reading(warehouse) as connection:
        known = {
            (row["pipeline"], row["partition_key"]): row
            for row in rows_of(
                connection, "partitions", pipelines=[p for p, _ in wanted], keys=[key for _, key in wanted]
            )
        }
        asked = {"pipelines": names, "metrics": metrics, "models": of_pipeline}
        facts = {row["pipeline"]: row for row in rows_of(connection, "pipelines", **asked)}
        opened = rows_of(connection, "open_deliveries", pipelines=names)
        aliases = rows_of(connection, "aliases", models=models)
        further = FurtherStanding(connection, declared, expected)
    found = []
    for pipeline in declared:
        partitions = _partitions(pipeline, expected[pipeline.name], known, facts[pipeline.name], now)
        found.append(
            PipelineStanding(
                name=pipeline.name,
                title=pipeline.display_name,
                timezone=pipeline.timezone,
                every=pipeline.every.word,
                pushes=pipeline.push is not None,
                upstream=pipeline.upstream,
                used=facts[pipeline.name]["used"],
                partitions=partitions,
                usual_quarantined_share=_usual(partitions),
                last_error=_last_error(pipeline, facts[pipeline.name]),
                drift=_drift(facts[pipeline.name]),
                open=tuple(_open(row) for row in opened if row["pipeline"] == pipeline.name),
                challengers=_challengers(pipeline, aliases),
                **_next(pipeline, now),
                **further.of(pipeline),
            )
        )
    by_name = {one.name: one for one in found}
    needs = [
        need
        for one in found
        for need in (*needs_of(one, by_name, now, OWED), *usual_needs(one), *model_needs(one, now))
    ]
    told = further.with_incidents([*broken_needs(broken or {}), *needs], only_seen=only_seen)
    return Standing(now, tuple(found), tuple(sorted(told, key=Need.urgency)))


def _partitions(
    pipeline: Pipeline, expected: list[Promised], known: Mapping[Any, Any], facts: Mapping[str, Any], now: datetime
) -> tuple[PartitionStanding, ...]:
    first = facts["first_partition"]
    last = next(one.partition.key for one in reversed(expected) if one.is_open)
    found = []
    for one in expected:
        key = one.partition.key
        # Of a pipeline that never ran, the last partition is owed and none before it; of one that has not even a model
        # nothing is.
        before = not facts["used"] or key < min(first or last, last)
        found.append(standing_of(pipeline.name, one, known[pipeline.name, key], now, before=before))
    return tuple(found)


def _usual(partitions: Sequence[PartitionStanding]) -> float | None:
    """Return the share of rows that is usually in quarantine: the median of those before the newest that is there."""
    shares = [one.quarantined_share for one in partitions if one.there and one.quarantined_share is not None]
    return median(shares[:-1]) if len(shares) > _LEAST_USUAL else None


def _last_error(pipeline: Pipeline, row: Mapping[str, Any]) -> LastError | None:
    if pipeline.measures is None or row["measured_value"] is None:
        return None
    metric = PRIMARY[pipeline.measures]
    return LastError(metric, row["measured_partition"], row["measured_value"], row["trained_value"])


def _drift(row: Mapping[str, Any]) -> Drifted | None:
    if row["drift_partition"] is None:
        return None
    return Drifted(row["drift_partition"], row["drift_columns"], row["drifted_columns"])


def _open(row: Mapping[str, Any]) -> Open:
    counts = {name: int(row[name]) for name in ("chunks", "items", "attempts")}
    return Open(row["partition_date"].isoformat(), opened_at=row["opened_at"], **counts)


def _challengers(pipeline: Pipeline, aliases: Sequence[Mapping[str, Any]]) -> tuple[Challenger, ...]:
    models = {ref.name: ref for ref in pipeline.model_refs}
    champions = {
        row["model_name"]: row["version"]
        for row in aliases
        if row["model_name"] in models and row["alias"] == models[row["model_name"]].alias
    }
    return tuple(
        Challenger(row["model_name"], row["version"], row["since"])
        for row in aliases
        if row["alias"] == "challenger"
        and row["model_name"] in models
        and row["version"] != champions.get(row["model_name"])
    )


def _next(pipeline: Pipeline, now: datetime) -> dict[str, Any]:
    following = next_promised(pipeline.calendar, pipeline.due, now)
    starts = following.partition.end + pipeline.ready_after
    return {"next_key": following.partition.key, "next_run": starts, "next_due": following.due}
