"""Need kinds: what there is that may need a person, how bad it is, and what it is called in a message.

docs/watch.md says of each what to do; the most urgent comes first here.
"""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning"]
Kind = Literal[
    "broken",
    "late",
    "failed",
    "expectation",
    "not pushed",
    "open",
    "storage",
    "channel",
    "approval",
    "retraining",
    "rows",
    "nulls",
    "quarantine",
    "error",
    "drift",
    "outdated",
    "stale",
    "slow",
]


@dataclass(frozen=True)
class NeedKind:
    """How bad a kind is, what it is called, and whether each partition is a cause of its own.

    What is in no pipeline's standing is seen by watching alone.
    """

    severity: Severity
    title: str
    by_partition: bool = False
    seen_by_watching_alone: bool = False


KINDS: dict[Kind, NeedKind] = {
    "broken": NeedKind("critical", "declaration broken"),
    "late": NeedKind("critical", "late"),
    "failed": NeedKind("critical", "run failed", by_partition=True),
    "expectation": NeedKind("critical", "stopped by an expectation", by_partition=True),
    "not pushed": NeedKind("critical", "not pushed", by_partition=True),
    "open": NeedKind("critical", "push open", by_partition=True),
    "storage": NeedKind("critical", "storage filling", seen_by_watching_alone=True),
    "channel": NeedKind("critical", "channel failing", seen_by_watching_alone=True),
    "approval": NeedKind("warning", "approval wanted"),
    "retraining": NeedKind("warning", "retraining failed"),
    "rows": NeedKind("warning", "row count unusual"),
    "nulls": NeedKind("warning", "nulls unusual"),
    "quarantine": NeedKind("warning", "quarantine unusual"),
    "error": NeedKind("warning", "error above training"),
    "drift": NeedKind("warning", "drift"),
    "outdated": NeedKind("warning", "source outdated"),
    "stale": NeedKind("warning", "publication stale"),
    "slow": NeedKind("warning", "slower than usual"),
}
