"""Usual needs: what of the expected partition is far from what is usual for it."""

from collections.abc import Iterator
from dataclasses import replace

from daybreak.monitoring.need_kinds import Kind
from daybreak.monitoring.needs import Need
from daybreak.monitoring.pipeline_standing import PipelineStanding
from daybreak.monitoring.usual import Band, Measured

# So many columns are named; of more it is said how many.
_NAMED = 3


def usual_needs(pipeline: PipelineStanding) -> Iterator[Need]:
    """Yield one need for rows, one for time, and one for all columns whose nulls are unusual."""
    partition = pipeline.expected
    plain = Need("rows", pipeline.name, partition.key, "", "", f"daybreak show {pipeline.name} {partition.key}")
    found = [one for one in pipeline.measured if one.unusual]

    def told(kind: Kind, problem: str, next_step: str) -> Need:
        return replace(plain, kind=kind, problem=problem, next_step=next_step, since=partition.since)

    for one in found:
        if one.what == "rows" and one.band:
            problem = f"{one.value:,.0f} rows came in, and {_between(one.band)} are usual."
            yield told("rows", problem, "see whether the source is complete, or has rows twice; then run it again.")
        elif one.what == "seconds" and one.band and one.value > one.band.high:
            problem = f"It took {one.value:,.0f} s, and {one.band.median:,.0f} s are usual."
            yield told("slow", problem, "see which stage took it, and what else ran on the machine and the database.")
    if nulls := [one for one in found if one.what == "nulls"]:
        named = ", ".join(_nulls(one) for one in nulls[:_NAMED])
        more = f", and {len(nulls) - _NAMED} more columns" if len(nulls) > _NAMED else ""
        next_step = "see how the source fills the column; where that was mended, run the partition again."
        yield told("nulls", f"The share of rows without a value is unusual: {named}{more}.", next_step)


def _nulls(one: Measured) -> str:
    return f"column {one.column} {one.value:.1%}" + (f" ({one.band.median:.1%} is usual)" if one.band else "")


def _between(band: Band) -> str:
    return f"{max(band.low, 0):,.0f} to {band.high:,.0f}"
