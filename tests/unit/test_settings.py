"""Settings come from the environment, once, and nobody changes them afterwards."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from daybreak.errors import ConfigurationError
from daybreak.settings import PROJECT, Settings, read_settings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"DAYBREAK_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_any_variable_everything_lives_in_the_project() -> None:
    settings = Settings()
    assert settings.home == PROJECT / ".daybreak"
    assert settings.sql == PROJECT / "sql"
    assert settings.batches == (PROJECT / ".daybreak" / "batches").as_uri()
    assert settings.models == (PROJECT / ".daybreak" / "models").as_uri()
    assert settings.warehouse_url is None


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - {"source", "alert"}))
def test_every_setting_can_be_given_as_a_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"DAYBREAK_{name.upper()}", "1")
    assert getattr(Settings(), name) != Settings.model_fields[name].default


def test_every_source_is_a_variable_of_its_own_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBREAK_SOURCE", "not one")
    monkeypatch.setenv("DAYBREAK_SOURCE_FEED", "duckdb:///feed")
    monkeypatch.setenv("DAYBREAK_SOURCE_OLD_SHOP", "postgresql://login:secret@host/shop")
    monkeypatch.setenv("DAYBREAK_SOURCE_EMPTY", "")
    settings = Settings()
    assert {name: url.get_secret_value() for name, url in settings.source.items()} == {
        "feed": "duckdb:///feed",
        "old_shop": "postgresql://login:secret@host/shop",
    }
    assert "secret" not in repr(settings)


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_a_file_beside_the_process_has_no_say(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DAYBREAK_PORT=9999\n")
    assert Settings().port == 8080


def test_another_variable_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9999")
    monkeypatch.setenv("DAYBREAK_UNHEARD_OF", "1")
    assert Settings().port == 8080


def test_snapshots_and_models_may_go_to_object_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBREAK_BATCHES_URI", "s3://bucket/batches")
    assert Settings().batches == "s3://bucket/batches"


def test_a_password_is_not_shown() -> None:
    settings = Settings(warehouse_url="postgresql://daybreak:secret@host/daybreak")
    assert "secret" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("port", "eighty", "valid integer"),
        ("port", "70000", "less than or equal to 65535"),
        ("lock_timeout_seconds", "0", "greater than 0"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_the_variable(
    name: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DAYBREAK_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=rf"^DAYBREAK_{name.upper()}: .*{re.escape(why)}.* Next: correct"):
        Settings()


def test_what_was_read_stands_until_a_variable_of_ours_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_settings()
    monkeypatch.setenv("PORT", "9999")
    assert read_settings() is before
    monkeypatch.setenv("daybreak_port", "8081")
    assert read_settings().port == 8081
    monkeypatch.setenv("DAYBREAK_SOURCE_FEED", "duckdb:///feed")
    assert list(read_settings().source) == ["feed"]
    monkeypatch.setenv("DAYBREAK_PORT", "eighty")
    monkeypatch.delenv("daybreak_port")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="DAYBREAK_PORT"):
            read_settings()
    monkeypatch.delenv("DAYBREAK_PORT")
    assert read_settings().port == before.port
