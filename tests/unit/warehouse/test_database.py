"""A warehouse that cannot be one is refused by name; one that is not there now is tried again later."""

import pytest
import sqlalchemy as sa

from daybreak.errors import ConfigurationError, WarehouseUnavailable
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import first_line, is_transient


@pytest.mark.parametrize("url", ["", "nonsense", "localhost:5432/secret"])
def test_a_url_that_cannot_be_read_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read.*DAYBREAK_WAREHOUSE_URL as postgresql://") as refused:
        Warehouse(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://host/db", "postgresql+asyncpg://host/db"])
def test_another_database_or_driver_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="The warehouse is PostgreSQL"):
        Warehouse(url)


@pytest.mark.parametrize("way", ["begin", "read", "bulk"])
def test_a_server_that_is_not_there_is_transient_on_every_way_to_it(way: str) -> None:
    warehouse = Warehouse("postgresql://user:secret@127.0.0.1:1/none")
    with pytest.raises(WarehouseUnavailable, match="did not answer") as unavailable, getattr(warehouse, way)():
        pass
    assert "secret" not in str(unavailable.value)
    assert "\n" not in str(unavailable.value)


class Fault(Exception):
    def __init__(self, text: str = "", pgcode: str | None = None) -> None:
        super().__init__(text)
        self.pgcode = pgcode


@pytest.mark.parametrize(
    ("code", "transient"),
    [
        ("08006", True),  # connection failure
        ("53300", True),  # too many connections
        ("57P01", True),  # the server is being shut down
        ("57P03", True),  # the server is starting
        ("55P03", True),  # lock not had in time
        ("40001", True),  # serialization failure
        ("40P01", True),  # deadlock
        ("42P01", False),  # no such table
        ("42601", False),  # not SQL
        ("23505", False),  # a key twice
        ("22012", False),  # division by zero
        ("28P01", False),  # wrong password
    ],
)
def test_a_fault_is_told_apart_by_its_sqlstate(code: str, transient: bool) -> None:
    original = Fault("server closed the connection", code)
    assert is_transient(original) is transient
    assert is_transient(sa.exc.DBAPIError("SELECT 1", {}, original)) is transient


def test_without_a_sqlstate_the_drivers_words_decide() -> None:
    assert is_transient(Fault("Connection refused"))
    assert not is_transient(Fault("something else"))


@pytest.mark.parametrize("words", ["", "\n", "ERROR:  "])
def test_an_error_without_words_is_told_by_its_kind(words: str) -> None:
    assert first_line(ValueError(words)) == "ValueError"
