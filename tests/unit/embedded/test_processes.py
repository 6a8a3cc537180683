"""A process is known by its number and by when it started, so that no stranger is ended."""

import signal
import subprocess
from pathlib import Path

from daybreak.embedded.processes import Recorded, end, record


def test_a_process_that_only_has_the_number_of_an_old_one_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        now = record(tmp_path, "scheduler", stranger.pid)
        assert now.alive()
        old = Recorded("scheduler", stranger.pid, now.started - 3600)
        assert not old.alive()
        end([old], patience=0)
        old.signal(signal.SIGKILL)
        assert stranger.poll() is None
        stranger.kill()
