"""An Airflow Connection names a source where no setting does."""

import json

import pytest

from daybreak.settings import Settings
from daybreak_airflow.sources import open_workspace, source_url


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ({"conn_type": "generic", "extra": json.dumps({"url": "duckdb:///feed"})}, "duckdb:///feed"),
        ({"conn_type": "generic", "extra": {"url": "adbc:sqlite:/f.db"}}, "adbc:sqlite:/f.db"),
        (
            {"conn_type": "postgres", "host": "host", "login": "me", "password": "p@ss", "schema": "shop"},
            "postgres://me:p%40ss@host/shop",
        ),
    ],
)
def test_a_connection_is_the_url_of_a_source(
    connection: dict[str, object], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FEED", json.dumps(connection))
    assert source_url("feed") == url


def test_no_connection_is_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_NOWHERE", raising=False)
    assert source_url("nowhere") is None
    assert open_workspace().settings == Settings()
