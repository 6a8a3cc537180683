"""Schedules of faults, drawn by seeds, against the real promotions system: no offer is lost, none is doubled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.migrations import migrate
from parcels import NewDatabase

from .receiver import Receiver
from .schedule import Schedule
from .shelves import make_project

SCHEDULES = 220
RESTARTED = range(0, SCHEDULES, 40)


@pytest.fixture
def warehouse(new_database: NewDatabase, tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse(new_database())
    migrate(opened, make_project(tmp_path / "project") / "sql")
    yield opened
    opened.close()


def test_no_schedule_of_faults_loses_or_doubles_an_offer(receiver: Receiver, warehouse: Warehouse) -> None:
    for seed in range(SCHEDULES):
        schedule = Schedule(seed, warehouse, receiver, restart=seed in RESTARTED)
        try:
            schedule.play()
        except BaseException as error:
            error.add_note(f"schedule {seed}: {'; '.join(schedule.told)}")
            raise
