"""Plan: what a run is about to do, decided once. It travels between tasks and is written into the ledger."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from daybreak.declaration.partition import Partition, start_of_day
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion

# What a SQL file of a pipeline may bind, extract.sql of one with an upstream also ``upstream_run_id``.
# The last two say the same as ``start`` and ``end``: older queries bind them.
BINDS = ("start", "end", "first_day", "last_day", "timezone", "window_start", "window_end")


@dataclass(frozen=True)
class Plan:
    """One run: its partition and the model version of each segment.

    ``hold`` says why nothing is to be published or sent, if so. ``upstream_run_id`` is the run of the upstream pipeline
    whose predictions are read. ``shadow`` is the challenger that scores the same rows, if there is one.
    """

    run_id: int
    pipeline: str
    partition: Partition
    model: SegmentModels
    hold: str | None = None
    upstream_run_id: int | None = None
    shadow: SegmentModels | None = None

    def to_json(self) -> dict[str, Any]:
        """Turn the plan into a small reference."""
        return {
            "run_id": self.run_id,
            "pipeline": self.pipeline,
            "partition": self.partition.key,
            "start": self.partition.start.isoformat(),
            "end": self.partition.end.isoformat(),
            "timezone": self.partition.timezone,
            "model": self.model.to_json(),
            "hold": self.hold,
            "upstream_run_id": self.upstream_run_id,
            "shadow": None if self.shadow is None else self.shadow.to_json(),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Plan":
        """Read what ``to_json`` wrote."""
        return Plan(
            run_id=int(value["run_id"]),
            pipeline=value["pipeline"],
            partition=Partition(
                datetime.fromisoformat(value["start"]).astimezone(UTC),
                datetime.fromisoformat(value["end"]).astimezone(UTC),
                value["partition"],
                value["timezone"],
            ),
            model=SegmentModels.from_json(value["model"]),
            hold=value["hold"],
            upstream_run_id=value["upstream_run_id"],
            shadow=None if value["shadow"] is None else SegmentModels.from_json(value["shadow"]),
        )

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides what the run does, whichever run it is."""
        told = self.to_json()
        del told["run_id"]
        for models in (told["model"], told["shadow"] or {"versions": []}):
            for _, version in models["versions"]:
                # Which aliases point to it, and what was measured of it, may differ when a run is planned again.
                del version["aliases"], version["metrics"]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def binds(self) -> dict[str, Any]:
        """The values that the pipeline's queries bind."""
        return query_binds(self.partition, self.upstream_run_id)

    @property
    def single_model(self) -> ModelVersion:
        """The one version that scores all rows; raise where each segment has its own."""
        return self.model.single


def query_binds(partition: Partition, upstream_run_id: int | None = None) -> dict[str, Any]:
    """Return the values that a query over one partition binds."""
    upstream = {} if upstream_run_id is None else {"upstream_run_id": upstream_run_id}
    return {
        **upstream,
        "start": partition.start,
        "end": partition.end,
        "first_day": partition.first_day,
        "last_day": partition.last_day,
        "timezone": partition.timezone,
        "window_start": partition.start,
        "window_end": partition.end,
    }


def day_binds(first: date, last: date, timezone: str) -> dict[str, Any]:
    """Return the values that a query over the days from first to last binds, as those of a training do."""
    start, end = start_of_day(first, timezone), start_of_day(last + timedelta(days=1), timezone)
    return query_binds(Partition(start, end, first.isoformat(), timezone)) | {"first_day": first, "last_day": last}
