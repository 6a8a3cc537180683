"""One Airflow with the retailer's DAGs for all modules that run those on real sales."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_stack import Receivers, SharedAirflow
from collectors import collecting
from daybreak.embedded.postgres import EmbeddedPostgres
from homes import short_lived
from receivers import receiving_mail


@pytest.fixture(scope="package")
def sales_airflow(postgres: EmbeddedPostgres) -> Iterator[SharedAirflow]:
    """Start it; its pipelines are those of a module of the tests, which train quickly."""
    with (
        short_lived() as home,
        pytest.MonkeyPatch.context() as patched,
        collecting() as posted,
        receiving_mail() as mailbox,
    ):
        patched.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=":")
        shared = SharedAirflow(home, postgres, Receivers(posted, mailbox))
        try:
            yield shared
        finally:
            shared.stop()
