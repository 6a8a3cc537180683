"""Candidates are shown beside those that were measured on the same rows, and no others."""

import pytest

from daybreak.cli.model_tables import print_candidates
from daybreak.models.candidates import Candidate


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
