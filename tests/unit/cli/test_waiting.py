"""daybreak run --wait: what is waited for is said once, and no longer than until the time is over."""

from datetime import UTC, datetime, timedelta

import pytest

from command_line import Daybreak
from daybreak.cli.progress import waiting_progress
from daybreak.errors import SourceAwaited
from parcels import LAST_DAY, Parcels


def test_what_is_waited_for_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    until = datetime.now(UTC) + timedelta(milliseconds=50)
    waiting = SourceAwaited("The source holds nothing.", next_step="nothing.", until=until)
    with waiting_progress() as pause:
        pause(waiting)
        pause(waiting)
    assert datetime.now(UTC) >= until
    assert capsys.readouterr().err.count("The source holds nothing. Next: nothing.") == 1


def test_a_partition_whose_time_is_over_is_refused_at_once(
    daybreak: Daybreak, parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBREAK_PIPELINES", "fixture_pipelines.calendars")
    missing = LAST_DAY + timedelta(days=1)
    code, out, err = daybreak("run", "parcel_hours", "--partition", missing, "--wait")
    assert (code, out) == (1, "")
    assert f"its last day is {LAST_DAY}. It was waited for since " in err
    assert parcels.last_run()["state"] == "failed"
    assert "`--wait`" in daybreak("run", "parcel_hours", "--partition", missing)[2]
