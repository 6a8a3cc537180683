"""Model account: versions, decisions about them, errors and drift over partitions, as they are shown."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.monitoring.reading import reading, rows_of
from daybreak.training.metrics import PRIMARY
from daybreak.warehouse.database import Warehouse

Row = dict[str, Any]


@dataclass(frozen=True)
class ModelAccount:
    """The versions of a pipeline's models, where their aliases point to, and every decision about them."""

    versions: tuple[Row, ...]
    aliases: dict[tuple[str, str], int]
    decisions: tuple[Row, ...]

    def both_of(self, model: str) -> tuple[Row, Row] | None:
        """Return champion and challenger of a model, where there are both and they differ."""
        found = [self._version(model, alias) for alias in ("champion", "challenger")]
        champion, challenger = found
        return (champion, challenger) if champion and challenger and champion is not challenger else None

    def _version(self, model: str, alias: str) -> Row | None:
        number = self.aliases.get((model, alias))
        return next((row for row in self.versions if (row["model_name"], row["version"]) == (model, number)), None)


@dataclass(frozen=True)
class Quality:
    """What was measured: of all rows by partition, of each segment lately, and how far columns are from training."""

    metric: str | None
    errors: tuple[Row, ...]
    segments: tuple[Row, ...]
    drift: tuple[Row, ...]


@dataclass(frozen=True)
class DeliveryAccount:
    """What was to be sent, by partition and generation, and the chunks of one partition."""

    partitions: tuple[Row, ...]
    chunks: tuple[Row, ...]
    day: date | None


def read_models(warehouse: Warehouse, pipeline: Pipeline) -> ModelAccount:
    """Read what the ledger knows of a pipeline's models; the registry is not asked."""
    models = [ref.name for ref in pipeline.model_refs]
    with reading(warehouse) as connection:
        versions = rows_of(connection, "versions", models=models)
        aliases = rows_of(connection, "aliases", models=models)
        decisions = rows_of(connection, "decisions", models=models)
    pointed = {(row["model_name"], row["alias"]): row["version"] for row in aliases}
    return ModelAccount(tuple(versions), pointed, tuple(decisions))


def read_quality(warehouse: Warehouse, pipeline: Pipeline, first: str) -> Quality:
    """Read what was measured from a partition on."""
    metric = PRIMARY[pipeline.measures] if pipeline.measures else None
    own: dict[str, Any] = {"pipeline": pipeline.name}
    with reading(warehouse) as connection:
        errors = rows_of(connection, "errors", **own, metric=metric, first=first) if metric else []
        by = pipeline.measured_by
        segments = rows_of(connection, "segment_errors", **own, metric=metric, segment_by=by) if metric and by else []
        drift = rows_of(connection, "drift", **own, first=first)
    # How good lists are is better the higher it is: the worst come first either way.
    worst_first = segments[::-1] if pipeline.measures == "ranking" else segments
    return Quality(metric, tuple(errors), tuple(worst_first), tuple(drift))


def read_deliveries(warehouse: Warehouse, pipeline: Pipeline, first: date, day: date | None = None) -> DeliveryAccount:
    """Read what was to be sent from a day on, and the chunks of one day, else of the newest."""
    with reading(warehouse) as connection:
        partitions = rows_of(connection, "deliveries_by_partition", pipeline=pipeline.name, first=first)
        shown = day or (partitions[0]["partition_date"] if partitions else None)
        chunks = rows_of(connection, "chunks", pipeline=pipeline.name, day=shown) if shown else []
    return DeliveryAccount(tuple(partitions), tuple(chunks), shown)
