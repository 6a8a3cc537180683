"""One Airflow with the retailer's DAGs for all modules that run those on real sales."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_stack import SharedAirflow
from daybreak.embedded.postgres import EmbeddedPostgres


@pytest.fixture(scope="package")
def sales_airflow(postgres: EmbeddedPostgres) -> Iterator[SharedAirflow]:
    """Start it; its pipelines are those of a module of the tests, which train quickly."""
    # Not below pytest's own folder: another session of pytest closes that to the user PostgreSQL runs as under root.
    with tempfile.TemporaryDirectory(prefix="daybreak-") as home, pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=":")
        shared = SharedAirflow(Path(home), postgres)
        try:
            yield shared
        finally:
            shared.stop()
