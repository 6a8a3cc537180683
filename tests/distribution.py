"""How the suite is spread over processes, and which of its tests need a server.

A module's tests stay together, for what they share, and so do all on real sales, which take long to load and to train
on: those that share an Airflow, and after them the retailer's others. The modules that start an Airflow of their own
are one more piece. The longest folders come first, so that no process is left alone with them in the end. Whoever has
an Airflow waits for it half of the time, so there is a process more than there are cores.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

# Whoever asks for one of these, through however many others, starts a PostgreSQL, an Airflow, a promotions system or a
# Python of a model's own, which imports all that models are made of.
SERVERS = {"postgres", "server", "stack", "airflow", "own_model"}
END_TO_END = "tests/end_to_end/"
RETAIL = "tests/retail/"
OWN_AIRFLOW = tuple(
    f"{END_TO_END}test_{n}.py" for n in ("add_a_pipeline", "daily_promotions", "local_airflow", "your_airflow")
)
# To import Airflow takes as long as to start a server.
IMPORT_AIRFLOW = (END_TO_END, "tests/dags/", "tests/plugins/")
# These wait for much of their time, so they come in the middle, where others have work for the cores.
WAITING = ("tests/unit/push/", "tests/sql/test_served_registry.py")
LONG_UNITS = ("tests/unit/models/", "tests/unit/cli/test_nasty_arguments.py")
LONGEST_FIRST = (END_TO_END, RETAIL, "tests/push/", "tests/sql/made/", *WAITING, "tests/sql/", *LONG_UNITS)
# Each process has a PostgreSQL and up to a gigabyte of memory.
MOST_PROCESSES = 4


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import what is deselected whole."""
    whole = f"{collection_path.as_posix()}/".endswith(IMPORT_AIRFLOW)
    return True if whole and config.option.markexpr == "not server" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, and bring what takes longest to the front."""
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())) or item.nodeid.startswith(IMPORT_AIRFLOW):
            item.add_marker(pytest.mark.server)
    items.sort(key=_place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Know which test runs, for whoever starts a server."""
    _running.append(item)
    try:
        return (yield)
    finally:
        _running.remove(item)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Take the cores that this process may use; of those, pytest-xdist by itself takes the physical ones only."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min((cores or 1) + (config.option.markexpr != "not server"), MOST_PROCESSES)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling":
    """Hand out whole modules in the order from above."""
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return piece_of(nodeid)

    config.option.loadscopereorder = False
    return ByModule(config, log)


def piece_of(nodeid: str) -> str:
    """Name what a test is handed out with."""
    module = nodeid.partition("::")[0]
    if module in OWN_AIRFLOW:
        return OWN_AIRFLOW[0]
    return RETAIL if module.startswith((END_TO_END, RETAIL)) else module


def _place(item: pytest.Item) -> tuple[int, bool]:
    """Sort by folder, and among the real Airflows bring together the modules that share one."""
    folders = [place for place, folder in enumerate(LONGEST_FIRST) if item.nodeid.startswith(folder)]
    return folders[0] if folders else len(LONGEST_FIRST), "sales_airflow" in getattr(item, "fixturenames", ())


def _refuse_servers_of_unmarked_tests(event: str, arguments: tuple[Any, ...]) -> None:
    """Hold that the marks are right, however a server is started: without one, no PostgreSQL is."""
    if event == "subprocess.Popen" and str(arguments[0]).endswith("/pg_ctl") and "start" in arguments[1]:
        for item in _running:
            assert item.get_closest_marker("server"), f"{item.nodeid} starts a server and is not marked so"


_running: list[pytest.Item] = []
sys.addaudithook(_refuse_servers_of_unmarked_tests)
