"""Report: every decision about a model's aliases, and the challenger beside the champion in numbers."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa

from daybreak.declaration.segments import ModelRef
from daybreak.ledger.tables import performance
from daybreak.models.measured_models import BY_MODEL
from daybreak.models.version import ModelVersion
from daybreak.warehouse.database import Warehouse
from daybreak.workspace import Workspace

_LIVE_DAYS = 28


def list_decisions(workspace: Workspace, models: Iterable[ModelRef]) -> list[dict[str, Any]]:
    """List every decision about the models' aliases, the newest first."""
    return [dict(row) for model in models for row in workspace.aliases(model).history()]


def both_of(found: list[ModelVersion], name: str) -> tuple[ModelVersion, ModelVersion] | None:
    """Return champion and challenger among a model's versions, where there are both."""
    by_alias = {alias: version for version in found if version.name == name for alias in version.aliases}
    champion, challenger = by_alias.get("champion"), by_alias.get("challenger")
    return (champion, challenger) if champion and challenger and champion.version != challenger.version else None


def beside(workspace: Workspace, champion: ModelVersion, challenger: ModelVersion) -> list[list[Any]]:
    """Return one row a fact: its name, then what it is of the champion and of the challenger."""
    both, warehouse = (("champion", champion), ("challenger", challenger)), workspace.ledger.warehouse
    facts: list[list[Any]] = [
        ["since", *(_since(workspace, version.name, alias) for alias, version in both)],
        ["trained through", *(version.trained_through for _, version in both)],
        ["digest", *(version.digest[:12] for _, version in both)],
    ]
    shared = [name for name in sorted(champion.metrics) if name in challenger.metrics and "baseline" not in name]
    facts += [[f"held out: {name}", champion.metrics[name], challenger.metrics[name]] for name in shared]
    days = _days(warehouse, champion) & _days(warehouse, challenger) or _days(warehouse, champion)
    newest = sorted(days)[-_LIVE_DAYS:]
    live = [_live(warehouse, version, newest) for _, version in both]
    told = f"live, {len(newest)} partitions"
    return facts + [[f"{told}: {name}", *(values.get(name) for values in live)] for name in live[0]]


def _since(workspace: Workspace, name: str, alias: str) -> Any:
    moves = [row for row in workspace.aliases(ModelRef(name, alias)).history() if row["outcome"] == "moved"]
    return moves[0]["since"] if moves else None


def _days(warehouse: Warehouse, version: ModelVersion) -> set[date]:
    measured = sa.select(performance.c.partition_date).where(*_of(version)).distinct()
    with warehouse.begin() as connection:
        return set(connection.scalars(measured))


def _live(warehouse: Warehouse, version: ModelVersion, days: list[date]) -> dict[str, float]:
    """Return the mean of a version's measured metrics over the days, weighted by rows."""
    mean = sa.func.sum(performance.c.value * performance.c.rows) / sa.func.sum(performance.c.rows)
    means = sa.select(performance.c.metric, mean).where(
        *_of(version), performance.c.segment_by.in_(("", BY_MODEL)), performance.c.partition_date.in_(days)
    )
    with warehouse.begin() as connection:
        found = connection.execute(means.group_by(performance.c.metric).order_by(performance.c.metric)).all()
    return {row[0]: row[1] for row in found}


def _of(version: ModelVersion) -> tuple[sa.ColumnElement[bool], ...]:
    return performance.c.model_name == version.name, performance.c.model_version == version.version
