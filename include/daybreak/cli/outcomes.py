"""Outcomes: what came of the runs of a command, as a table."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daybreak.run.outcome import Outcome


def print_outcomes(title: str, outcomes: "list[Outcome]") -> None:
    """Print one row for each run."""
    from daybreak.cli.display import print_table

    columns = ["partition", "run", "rows in", "quarantined", "failed", "scored", "model version", "seconds", "outcome"]
    print_table(
        title,
        columns,
        [
            [
                outcome.plan.partition.key,
                str(outcome.plan.run_id),
                outcome.counts.rows_extracted,
                outcome.counts.rows_quarantined,
                outcome.counts.rows_failed,
                outcome.counts.rows_scored,
                outcome.plan.model.label,
                round(outcome.seconds, 2),
                str(outcome),
            ]
            for outcome in outcomes
        ],
    )
