"""Model report: the versions there are, and the challenger beside the champion in numbers."""

from typing import Any

import sqlalchemy as sa

from daybreak.aliases import Aliases
from daybreak.display import print_table
from daybreak.pipeline import ModelRef
from daybreak.registry import ModelVersion
from daybreak.tables import performance
from daybreak.workspace import Workspace

_LIVE_DAYS = 28


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


def _print_beside(workspace: Workspace, champion: ModelVersion, challenger: ModelVersion) -> None:
    both = (("champion", champion), ("challenger", challenger))
    facts: list[list[Any]] = [
        ["since", *(_since(workspace, version.name, alias) for alias, version in both)],
        ["trained through", *(version.trained_through for _, version in both)],
        ["digest", *(version.digest[:12] for _, version in both)],
    ]
    shared = [name for name in sorted(champion.metrics) if name in challenger.metrics and "baseline" not in name]
    facts += [[f"held out: {name}", champion.metrics[name], challenger.metrics[name]] for name in shared]
    live = [_live(workspace, version) for _, version in both]
    facts += [
        [f"live: {name}", *(values.get(name) for values in live)] for name in dict.fromkeys(n for v in live for n in v)
    ]
    print_table(
        f"{champion.name}: the challenger beside the champion",
        ["", f"champion, version {champion.version}", f"challenger, version {challenger.version}"],
        facts,
    )


def _since(workspace: Workspace, name: str, alias: str) -> Any:
    moves = [row for row in Aliases(workspace, ModelRef(name, alias)).history() if row["outcome"] == "moved"]
    return moves[0]["since"] if moves else None


def _live(workspace: Workspace, version: ModelVersion) -> dict[str, float]:
    """Return the mean of a version's measured metrics over its newest partitions, weighted by rows."""
    wanted = (performance.c.model_name == version.name, performance.c.model_version == version.version)
    days = sa.select(performance.c.partition_date).where(*wanted).distinct()
    newest = days.order_by(performance.c.partition_date.desc()).limit(_LIVE_DAYS)
    mean = sa.func.sum(performance.c.value * performance.c.rows) / sa.func.sum(performance.c.rows)
    means = sa.select(performance.c.metric, mean, sa.func.count(performance.c.partition_date.distinct()))
    means = means.where(*wanted, performance.c.segment_by == "", performance.c.partition_date.in_(newest))
    with workspace.ledger.warehouse.begin() as connection:
        found = connection.execute(means.group_by(performance.c.metric).order_by(performance.c.metric)).all()
    return {f"{metric}, {days} days": value for metric, value, days in found}
