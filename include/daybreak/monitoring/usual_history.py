"""Usual history: what each of a pipeline's partitions was like, beside what was usual for it, by one query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import Pipeline
from daybreak.monitoring.reading import reading, rows_of
from daybreak.monitoring.usual import Measured, before, measured
from daybreak.warehouse.database import Warehouse


@dataclass(frozen=True)
class Course:
    """One measure over partitions, the oldest first, by their keys: ``what`` and ``column`` as those of a measure."""

    what: str
    column: str | None
    days: tuple[tuple[str, Measured], ...]

    @property
    def last(self) -> Measured:
        """The newest."""
        return self.days[-1][1]


def read_usual(
    warehouse: Warehouse, pipeline: Pipeline, partitions: Sequence[Partition]
) -> dict[str, tuple[Measured, ...]]:
    """Hold each partition that is there against those before it; of another one there is nothing."""
    compared = {one.key: before(pipeline, one) for one in partitions}
    keys = sorted({key for own, found in compared.items() for key in (own, *found[0], *found[1])})
    with reading(warehouse) as connection:
        found = rows_of(connection, "runs_before", pipelines=[pipeline.name] * len(keys), keys=keys)
    runs = {row["partition_key"]: row for row in found}
    return {
        key: tuple(measured(runs[key], [runs[k] for k in same if k in runs], [runs[k] for k in others if k in runs]))
        for key, (same, others) in compared.items()
        if key in runs
    }


def courses(found: Mapping[str, Sequence[Measured]]) -> list[Course]:
    """Put what was measured of partitions into one course for each measure: rows first, nulls by column last."""
    by: dict[tuple[str, str | None], list[tuple[str, Measured]]] = {}
    for key in sorted(found):
        for one in found[key]:
            by.setdefault((one.what, one.column), []).append((key, one))
    return [Course(what, column, tuple(days)) for (what, column), days in by.items()]


def worth_a_look(nulls: Sequence[Course], most: int) -> list[Course]:
    """Choose the columns that were ever without a value, or are unusual: those that are unusual, then the emptiest."""
    some = [one for one in nulls if one.last.unusual or any(day.value for _, day in one.days)]
    return sorted(some, key=lambda one: (not one.last.unusual, -max(day.value for _, day in one.days)))[:most]
