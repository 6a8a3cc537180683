"""What a task of the local Airflow is told is what the command that started it was told."""

from pathlib import Path
from typing import Any, cast

from daybreak.local.airflow_environment import daybreak_environment
from daybreak.settings import Settings


def test_sources_are_handed_on_each_by_its_name(tmp_path: Path) -> None:
    urls = {"feed": "duckdb:///feed", "old_shop": "postgresql://me:secret@host/shop"}
    settings = Settings(home=tmp_path, warehouse_url="postgresql://host/warehouse", source=urls)
    told = daybreak_environment(settings, cast("Any", None))
    assert {name: value for name, value in told.items() if "SOURCE" in name} == {
        "DAYBREAK_SOURCE_FEED": urls["feed"],
        "DAYBREAK_SOURCE_OLD_SHOP": urls["old_shop"],
    }
