"""What Airflow's processes do at their start: each only what it needs."""

import json
import subprocess
import sys

import pytest

STARTED = """
import gc, json, sys
usual = gc.get_threshold()
sys.argv = ["airflow", sys.argv[1]]
from daybreak.local.preload import before_the_first_fork
before_the_first_fork()
print(json.dumps([usual, gc.get_threshold(), "pandas" in sys.modules]))
"""


@pytest.mark.parametrize("component", ["api-server", "scheduler", "dag-processor", "triggerer"])
def test_each_looks_for_garbage_seldom_and_none_imports_before_it_forks(component: str) -> None:
    done = subprocess.run([sys.executable, "-c", STARTED, component], capture_output=True, text=True, check=True)
    usual, then, imported = json.loads(done.stdout)
    assert then[0] > 10 * usual[0]
    assert not imported
