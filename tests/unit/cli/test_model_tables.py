"""Candidates are shown beside those that were measured on the same rows; a refusal says what would help."""

import pytest

from daybreak.cli.model_tables import print_candidates
from daybreak.cli.models import _print_verdict
from daybreak.models.candidates import Candidate
from daybreak.promotion.judging import COLUMNS, Check
from daybreak.promotion.promoting import Verdict
from fixture_pipelines import PARCEL_HOURS


def test_trials_and_models_are_not_shown_as_if_they_were_measured_on_the_same_rows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_candidates(
        [
            Candidate("small trees", {"error": 0.25}, chosen=True, measured_on="folds by time"),
            Candidate("large trees", {}, failure="ValueError", measured_on="folds by time"),
            Candidate("last week", {"error": 0.75}),
        ]
    )
    shown = " ".join(capsys.readouterr().out.split())
    trials, _, others = shown.partition("on the same held-out rows")
    assert "on the same folds by time" in trials
    assert [name in trials for name in ("small trees", "large trees", "last week")] == [True, True, False]
    assert [name in others for name in ("small trees", "large trees", "last week")] == [False, False, True]


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (Check(COLUMNS, False, "takes promo, which extract.sql does not give"), 'ModelRef("parcel_hours_2")'),
        (Check("better on held-out rows", False, "it is worse"), "Next: train another challenger."),
    ],
)
def test_a_refusal_says_what_would_help(check: Check, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = Verdict("parcel_hours", 2, 1, (check,))
    _print_verdict(PARCEL_HOURS, verdict, dry_run=False, json=False)
    shown = capsys.readouterr().out
    assert told in shown
    assert ("train another challenger" in shown) == (check.name != COLUMNS)
