"""Schedules of faults, drawn by seeds, against the real promotions system: no offer is lost, none is doubled."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.migrations import migrate
from parcels import NewDatabase

from .receiver import Receiver
from .schedule import play
from .shelves import make_project

SCHEDULES = range(220)
RESTARTED = SCHEDULES[::40]


@pytest.fixture
def warehouse_url(new_database: NewDatabase, tmp_path: Path) -> str:
    url = new_database()
    warehouse = Warehouse(url)
    migrate(warehouse, make_project(tmp_path / "project") / "sql")
    warehouse.close()
    return url


def test_no_schedule_of_faults_loses_or_doubles_an_offer(receiver: Receiver, warehouse_url: str) -> None:
    # They are played by a process that has imported little. It forks four hundred times, and to fork this one, which
    # has imported all that tests need, takes as long as a push.
    rest = sorted({*SCHEDULES} - {*RESTARTED})
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as small:
        small.submit(play, rest, warehouse_url, receiver).result()
    play(RESTARTED, warehouse_url, receiver, restart=True)
