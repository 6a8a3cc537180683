"""Outcome: what a run as a whole came to."""

from dataclasses import dataclass

from daybreak.ledger.runs import Counts
from daybreak.run.plan import Plan
from daybreak.run.publish import Publication
from daybreak.run.shadow import Shadowed


@dataclass(frozen=True)
class Outcome:
    """What came of a whole run: a publication, or none where it was a dry run or was held back."""

    plan: Plan
    counts: Counts
    seconds: float
    publication: Publication | None = None
    shadow: Shadowed | None = None

    def __str__(self) -> str:
        if self.publication is None:
            return "dry run"
        published = "published" if self.publication.published else "superseded"
        return f"{published}; {self.shadow}" if self.shadow else published
