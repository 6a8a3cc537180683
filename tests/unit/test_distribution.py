"""The suite itself: what starts a server is marked so, the longest comes first, and modules stay together."""

import subprocess

import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import PROJECT
from distribution import LONGEST_FIRST, OWN_AIRFLOW, piece_of


def test_whoever_asks_for_a_server_is_marked(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> None:
    assert request.node.get_closest_marker("server")


def test_nobody_else_is_and_a_server_started_otherwise_fails_the_test(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("server") is None
    with pytest.raises(AssertionError, match="starts a server and is not marked so"):
        subprocess.Popen(["/nowhere/pg_ctl", "-w", "start"])


def test_the_longest_folders_come_first(request: pytest.FixtureRequest) -> None:
    places = [
        next((place for place, folder in enumerate(LONGEST_FIRST) if item.nodeid.startswith(folder)), 99)
        for item in request.session.items
    ]
    assert places == sorted(places)


def test_a_module_is_handed_out_whole_and_the_real_airflows_are_two_pieces() -> None:
    modules = ("unit/test_a.py", "unit/test_b.py", "end_to_end/test_a.py", "end_to_end/test_b.py", *OWN_AIRFLOW)
    pieces = [{piece_of(f"{m if m in OWN_AIRFLOW else f'tests/{m}'}::test_{n}") for n in "xy"} for m in modules]
    assert {len(piece) for piece in pieces} == {1}
    one, other, shared, also_shared, *own = (piece.pop() for piece in pieces)
    assert shared == also_shared
    assert len({one, other, shared, *own}) == 4


def test_the_real_sales_are_loaded_for_one_process() -> None:
    modules = ("end_to_end/test_a.py", "retail/test_a.py", "retail/deeper/test_b.py")
    assert len({piece_of(f"tests/{module}::test_a") for module in modules}) == 1


def test_the_modules_with_an_airflow_of_their_own_are_there() -> None:
    assert [path for path in OWN_AIRFLOW if not (PROJECT / path).is_file()] == []
