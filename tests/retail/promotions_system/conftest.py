"""One promotions system for all of these tests; each finds it empty."""

from collections.abc import Iterator

import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from promotions import Promotions, promotions_database, serve


@pytest.fixture(scope="package")
def running(postgres: EmbeddedPostgres) -> Iterator[Promotions]:
    """Start it."""
    with serve(promotions_database(postgres, "promotions_service")) as promotions:
        yield promotions


@pytest.fixture
def promotions(running: Promotions) -> Promotions:
    """Empty it."""
    running.empty()
    return running
