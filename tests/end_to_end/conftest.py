"""One Airflow with the retailer's DAGs for all modules that run those on real sales."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_stack import SharedAirflow
from daybreak.embedded.postgres import EmbeddedPostgres
from homes import short_lived


@pytest.fixture(scope="package")
def sales_airflow(postgres: EmbeddedPostgres) -> Iterator[SharedAirflow]:
    """Start it; its pipelines are those of a module of the tests, which train quickly."""
    with short_lived() as home, pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=":")
        shared = SharedAirflow(home, postgres)
        try:
            yield shared
        finally:
            shared.stop()
