"""Schedules of faults, drawn by seeds, against the real promotions system: no offer is lost, none is doubled."""

from collections.abc import Callable

import pytest

from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.migrations import migrate

from .receiver import Receiver
from .schedule import Schedule
from .shelves import make_project

SCHEDULES = 220
RESTARTED = range(0, SCHEDULES, 40)


@pytest.fixture
def warehouse_url(new_database: Callable[..., str], tmp_path) -> str:
    url = new_database()
    warehouse = Warehouse(url)
    migrate(warehouse, make_project(tmp_path / "project") / "sql")
    warehouse.close()
    return url


def test_no_schedule_of_faults_loses_or_doubles_an_offer(receiver: Receiver, warehouse_url: str) -> None:
    for seed in range(SCHEDULES):
        schedule = Schedule(seed, warehouse_url, receiver, restart=seed in RESTARTED)
        try:
            schedule.play()
        except BaseException as error:
            error.add_note(f"schedule {seed}: {'; '.join(schedule.told)}")
            raise
