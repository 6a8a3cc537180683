"""Model tables: versions, candidates and decisions about the champion, laid out for people."""

from collections.abc import Sequence
from datetime import UTC, datetime
from textwrap import shorten
from typing import Any

from daybreak.cli.display import out, print_table
from daybreak.models.candidates import Candidate
from daybreak.models.describing import ListedVersion
from daybreak.models.version import ModelVersion
from daybreak.promotion.report import beside, both_of
from daybreak.workspace import Workspace

# A verdict's reasons fill a page; --json has them in full.
_REASON = 110


def print_models(workspace: Workspace, listed: list[ListedVersion]) -> None:
    """Print every version, what those lack that no run may use, then champion and challenger of each model."""
    found = [version.model for version in listed if version.model]
    print_table(
        "Model versions",
        ["model", "version", "aliases", "trained through", "scikit-learn", "held-out metrics", "digest"],
        [
            [
                version.name,
                version.version,
                ", ".join(version.aliases),
                *(_facts(version.model) if version.model else [None, "", "NOT USABLE, see below", ""]),
            ]
            for version in listed
        ],
    )
    for model in found:
        if model.elsewhere:
            told = f"{model.name} version {model.version} {model.elsewhere}"
            out.print(f"  {told}: it is scored in an environment of its own.", soft_wrap=True, markup=False)
    for version in listed:
        if version.lacks:
            out.print(f"  {version.lacks}", soft_wrap=True, markup=False)
    if lacking := [version for version in listed if version.lacks]:
        name, number = lacking[0].name, lacking[0].version
        out.print(
            f"  Next: `daybreak register {name} --from models:/{name}/{number} --trained-through DAY --sample FILE` "
            f"copies one as a version of its own, `daybreak adopt {name} --version {number} --trained-through DAY` "
            "trusts it where it lies.",
            soft_wrap=True,
            markup=False,
        )
    for name in dict.fromkeys(version.name for version in found):
        if both := both_of(found, name):
            champion, challenger = both
            print_table(
                f"{name}: the challenger beside the champion",
                ["", f"champion, version {champion.version}", f"challenger, version {challenger.version}"],
                beside(workspace, champion, challenger),
            )


def _facts(version: ModelVersion) -> list[Any]:
    return [
        version.trained_through,
        " ".join(
            filter(None, [version.libraries.get("scikit-learn"), "(own environment)" if version.elsewhere else None])
        ),
        ", ".join(f"{k} {v:.4f}" for k, v in sorted(version.metrics.items())),
        version.digest[:12],
    ]


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


def print_candidates(candidates: Sequence[Candidate]) -> None:
    """Print the candidates beside each other, where there were several."""
    for rows in dict.fromkeys(candidate.measured_on for candidate in candidates):
        shown = [candidate for candidate in candidates if candidate.measured_on == rows]
        metrics = list(dict.fromkeys(name for candidate in shown for name in candidate.metrics))
        print_table(
            f"Candidates, on the same {rows}",
            ["model", *(name.replace("_", " ") for name in metrics), "registered"],
            [[c.name, *(c.metrics.get(name) for name in metrics), c.chosen] for c in shown],
        )
