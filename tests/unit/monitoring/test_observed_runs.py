"""Where nothing asks for it, runs are told to nobody: nothing is loaded for it."""

import os
import subprocess
import sys

from daybreak.settings import PROJECT

LOOKED_AT = """
import sys
from daybreak.monitoring.observed_runs import observed_runs
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from daybreak_airflow.observed_tasks import observed_task

with observed_runs(Workspace(Settings())) as runs, runs.one(None) as begun:
    begun(1)
with observed_task("push"):
    pass
others = ("opentelemetry", "openlineage", "requests", "airflow", "psycopg2", "daybreak.monitoring.otlp")
print(*sorted(name for name in sys.modules if name.startswith(others)))
"""


def test_nothing_is_loaded_or_opened_for_what_nothing_asks_for() -> None:
    asked = ("OTEL_", "OPENLINEAGE", "DAYBREAK_LINEAGE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(asked)}
    found = subprocess.run(
        [sys.executable, "-c", LOOKED_AT],
        env=environment | {"PYTHONPATH": str(PROJECT / "plugins")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == ""
