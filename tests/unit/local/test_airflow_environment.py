"""What a task of the local Airflow is told is what the command that started it was told."""

from pathlib import Path
from typing import Any, cast

import pytest

from daybreak.local.airflow_environment import airflow_environment, daybreak_environment
from daybreak.settings import Settings


def test_sources_are_handed_on_each_by_its_name(tmp_path: Path) -> None:
    urls = {"feed": "duckdb:///feed", "old_shop": "postgresql://me:secret@host/shop"}
    settings = Settings(home=tmp_path, warehouse_url="postgresql://host/warehouse", source=urls)
    told = daybreak_environment(settings, cast("Any", None))
    assert {name: value for name, value in told.items() if "SOURCE" in name} == {
        "DAYBREAK_SOURCE_FEED": urls["feed"],
        "DAYBREAK_SOURCE_OLD_SHOP": urls["old_shop"],
    }


class _Server:
    def url(self, database: str) -> str:
        return f"postgresql://host/{database}"


def test_exporters_of_telemetry_hold_no_slot_for_long_unless_they_are_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, server = Settings(home=tmp_path, log_json=True), cast("Any", _Server())
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TIMEOUT", raising=False)
    assert airflow_environment(settings, server)["OTEL_EXPORTER_OTLP_TIMEOUT"] == "1"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "7")
    assert airflow_environment(settings, server)["OTEL_EXPORTER_OTLP_TIMEOUT"] == "7"
