"""Model report: the versions there are, and the challenger beside the champion in numbers."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from textwrap import shorten
from typing import Any

import sqlalchemy as sa

from daybreak.cli.display import print_table
from daybreak.declaration.pipeline import ModelRef
from daybreak.ledger.tables import performance
from daybreak.models.aliases import Aliases
from daybreak.models.measured_models import BY_MODEL
from daybreak.models.registry import ModelVersion
from daybreak.workspace import Workspace

_LIVE_DAYS = 28
# A verdict's reasons fill a page; --json has them in full.
_REASON = 110


def print_models(workspace: Workspace, found: list[ModelVersion]) -> None:
    """Print every version, then champion and challenger of each model that has both."""
    print_table(
        "Model versions",
        ["model", "version", "aliases", "trained through", "scikit-learn", "held-out metrics", "digest"],
        [
            [
                version.name,
                version.version,
                ", ".join(version.aliases),
                version.trained_through,
                version.libraries.get("scikit-learn", ""),
                ", ".join(f"{k} {v:.4f}" for k, v in sorted(version.metrics.items())),
                version.digest[:12],
            ]
            for version in found
        ],
    )
    for name in dict.fromkeys(version.name for version in found):
        by_alias = {alias: version for version in found if version.name == name for alias in version.aliases}
        champion, challenger = by_alias.get("champion"), by_alias.get("challenger")
        if champion and challenger and champion.version != challenger.version:
            _print_beside(workspace, champion, challenger)


def list_decisions(workspace: Workspace, models: Iterable[ModelRef]) -> list[dict[str, Any]]:
    """List every decision about the models' aliases, the newest first."""
    return [dict(row) for model in models for row in Aliases(workspace, model).history()]


def print_decisions(pipeline: str, found: list[dict[str, Any]]) -> None:
    """Print what ``list_decisions`` found: from when to when a version was in force, else when it was written down."""
    several = len({row["model_name"] for row in found}) > 1
    rows = []
    for row in found:
        in_force = row["until"] != row["since"]
        rows.append(
            [
                *([row["model_name"]] if several else []),
                _minute(row["since"]) if in_force else None,
                _minute(row["until"]) if in_force else None,
                row["version"],
                row["from_version"],
                row["outcome"],
                None if in_force and row["recorded_at"] == row["since"] else _minute(row["recorded_at"]),
                row["decided_by"],
                shorten(row["reason"], _REASON, placeholder=" …"),
            ]
        )
    columns = ["since", "until", "version", "before", "outcome", "recorded", "by", "reason"]
    print_table(f"{pipeline}: the champion, times in UTC", [*(["model"] if several else []), *columns], rows)


def _minute(instant: datetime | None) -> str | None:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}" if instant else None


def _print_beside(workspace: Workspace, champion: ModelVersion, challenger: ModelVersion) -> None:
    both = (("champion", champion), ("challenger", challenger))
    facts: list[list[Any]] = [
        ["since", *(_since(workspace, version.name, alias) for alias, version in both)],
        ["trained through", *(version.trained_through for _, version in both)],
        ["digest", *(version.digest[:12] for _, version in both)],
    ]
    shared = [name for name in sorted(champion.metrics) if name in challenger.metrics and "baseline" not in name]
    facts += [[f"held out: {name}", champion.metrics[name], challenger.metrics[name]] for name in shared]
    days = _days(workspace, champion) & _days(workspace, challenger) or _days(workspace, champion)
    newest = sorted(days)[-_LIVE_DAYS:]
    live = [_live(workspace, version, newest) for _, version in both]
    facts += [[f"live, {len(newest)} days: {name}", *(values.get(name) for values in live)] for name in live[0]]
    print_table(
        f"{champion.name}: the challenger beside the champion",
        ["", f"champion, version {champion.version}", f"challenger, version {challenger.version}"],
        facts,
    )


def _since(workspace: Workspace, name: str, alias: str) -> Any:
    moves = [row for row in Aliases(workspace, ModelRef(name, alias)).history() if row["outcome"] == "moved"]
    return moves[0]["since"] if moves else None


def _days(workspace: Workspace, version: ModelVersion) -> set[date]:
    measured = sa.select(performance.c.partition_date).where(*_of(version)).distinct()
    with workspace.ledger.warehouse.begin() as connection:
        return set(connection.scalars(measured))


def _live(workspace: Workspace, version: ModelVersion, days: list[date]) -> dict[str, float]:
    """Return the mean of a version's measured metrics over the days, weighted by rows."""
    mean = sa.func.sum(performance.c.value * performance.c.rows) / sa.func.sum(performance.c.rows)
    means = sa.select(performance.c.metric, mean).where(
        *_of(version), performance.c.segment_by.in_(("", BY_MODEL)), performance.c.partition_date.in_(days)
    )
    with workspace.ledger.warehouse.begin() as connection:
        found = connection.execute(means.group_by(performance.c.metric).order_by(performance.c.metric)).all()
    return {row[0]: row[1] for row in found}


def _of(version: ModelVersion) -> tuple[sa.ColumnElement[bool], ...]:
    return performance.c.model_name == version.name, performance.c.model_version == version.version
