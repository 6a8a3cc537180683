"""What a run trusts of a version is what Daybreak wrote down; whoever registers one cannot say it himself."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from command_line import Captured, commands
from daybreak.errors import DaybreakError, ModelRefused
from models import constant, fitted, folder
from parcels import DAY, Parcels

ALTERED = {
    "the digest": ("digest", "'{digest}'", "digest"),
    "the last day": ("trained_through", "'2024-03-01'", "trained through"),
    "a library": ("library.numpy", "'1.0'", "libraries"),
    "a spread of scores": ("score_profile", """'{{"bins": [0, 1], "weights": [1]}}'""", "score profile"),
}


def tag(parcels: Parcels, key: str, value: str, version: int = 1) -> None:
    parcels.execute(
        f"DELETE FROM model_version_tags WHERE key = '{key}' AND version = {version}",
        "INSERT INTO model_version_tags (workspace, name, version, key, value) "
        f"VALUES ('default', 'parcel_hours', {version}, '{key}', {value})",
    )


@pytest.mark.parametrize(("key", "value", "told"), ALTERED.values(), ids=ALTERED)
def test_a_tag_that_was_changed_is_refused_and_named(parcels: Parcels, key: str, value: str, told: str) -> None:
    tag(parcels, key, value.format(digest="0" * 64))
    with pytest.raises(
        ModelRefused, match=rf"^parcel_hours {DAY}: The registry says .* \({told}\)\. Next: find out who"
    ):
        parcels.plan()
    assert parcels.last_run()["state"] == "failed"


def test_an_artifact_that_was_exchanged_with_its_digest_is_refused(parcels: Parcels) -> None:
    from daybreak.models.artifacts import digest_of, read_files

    version = parcels.register(*fitted(parcels))
    other = parcels.register(*fitted(parcels, constant(500)))
    parcels.promote(version.version)
    for file in folder(other).iterdir():
        (folder(version) / file.name).write_bytes(file.read_bytes())
    tag(parcels, "digest", f"'{digest_of(read_files(version.uri) or {})}'", version.version)
    with pytest.raises(ModelRefused, match=r"\(digest\)"):
        parcels.plan()


def copied(parcels: Parcels, source: str | None = None) -> int:
    """Register a version as anybody can who may write to the registry: the champion's row and tags once more."""
    columns = "user_id, current_stage, run_id, status"
    place = "source" if source is None else f"'{source}'"
    parcels.execute(
        f"INSERT INTO model_versions (workspace, name, version, creation_time, source, {columns}) "
        f"SELECT workspace, name, 2, creation_time, {place}, {columns} FROM model_versions WHERE version = 1",
        "INSERT INTO model_version_tags (workspace, name, version, key, value) "
        "SELECT workspace, name, 2, key, value FROM model_version_tags WHERE version = 1",
    )
    return 2


def test_a_version_that_nobody_adopted_is_refused_until_somebody_does(parcels: Parcels) -> None:
    number = copied(parcels)
    with pytest.raises(
        ModelRefused, match=r"was not registered by Daybreak on this .*`daybreak adopt parcel_hours --version 2`"
    ):
        parcels.plan(model_version=number)
    adopted = parcels.workspace.registry.adopt("parcel_hours", number)
    assert adopted.version == number
    assert parcels.run(model_version=number).publication is not None
    tag(parcels, "trained_through", "'2024-03-01'", number)
    for refused in (
        lambda: parcels.plan(model_version=number),
        lambda: parcels.workspace.registry.adopt("parcel_hours", number),
    ):
        with pytest.raises(ModelRefused, match=r"\(trained through\)"):
            refused()
    with pytest.raises(ModelRefused, match="Model parcel_hours has no version 9"):
        parcels.workspace.registry.adopt("parcel_hours", 9)


def test_what_no_run_would_load_is_not_adopted(parcels: Parcels) -> None:
    from daybreak.models.artifacts import digest_of, read_files

    theirs = folder(parcels.workspace.registry.resolve(parcels.pipeline.single_ref, 1)).parent / "theirs"
    theirs.mkdir()
    (theirs / "model.skops").write_bytes(b"no file of skops")
    number = copied(parcels, theirs.as_uri())
    tag(parcels, "digest", f"'{digest_of(read_files(theirs.as_uri()) or {})}'", number)
    with pytest.raises(ModelRefused, match=r"parcel_hours version 2 holds no file of skops .*, which no run loads"):
        parcels.workspace.registry.adopt("parcel_hours", number)
    assert parcels.value("SELECT count(*) FROM ledger.trusted_versions WHERE version = 2") == 0


def test_a_version_whose_files_lie_elsewhere_is_refused_before_they_are_opened(
    parcels: Parcels, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "MLmodel").mkdir()  # whoever opened it would hear of it otherwise
    number = copied(parcels, elsewhere.as_uri())
    ways: tuple[Callable[[], object], ...] = (
        lambda: parcels.plan(model_version=number),
        lambda: parcels.workspace.registry.adopt("parcel_hours", number),
        lambda: parcels.workspace.registry.resolve(parcels.pipeline.single_ref, number),
    )
    for way in ways:
        with pytest.raises(ModelRefused, match=r"not below DAYBREAK_MODELS_URI: it names file:.*elsewhere"):
            way()


Called = Callable[..., str]


@pytest.fixture
def called(parcels: Parcels, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Called:
    daybreak = commands(monkeypatch, capsys, parcels.workspace.settings)

    def run(*arguments: str) -> str:
        code, out, err = daybreak(*arguments)
        assert code == 0, out + err
        return out

    return run


def test_versions_of_others_are_listed_with_what_they_lack(parcels: Parcels, called: Called) -> None:
    copied(parcels)
    parcels.execute(
        "INSERT INTO model_versions (workspace, name, version, creation_time, source, current_stage, status, run_id) "
        "VALUES ('default', 'parcel_hours', 3, 0, 'models:/m-4f2a', 'None', 'READY', 'gone')",
        "INSERT INTO model_versions (workspace, name, version, creation_time, source, current_stage, status, run_id) "
        "VALUES ('default', 'parcel_hours', 4, 0, 'ftp://10.0.0.1/model', 'None', 'READY', NULL)",
    )
    tag(parcels, "digest", f"'{'0' * 64}'", 4)
    tag(parcels, "trained_through", "'yesterday'", 4)
    lacks = {
        1: None,
        2: "parcel_hours version 2 was not registered by Daybreak on this warehouse, and nobody has adopted it.",
        3: "parcel_hours version 3 was not registered by Daybreak: it has no digest and no trained_through.",
        4: "The files of parcel_hours version 4 are not below DAYBREAK_MODELS_URI: it names ftp://10.0.0.1/model, "
        f"not {parcels.workspace.settings.models}/….",
    }
    found = json.loads(called("models", "parcel_hours", "--json"))
    assert {version["version"]: version["lacks"] for version in found} == lacks
    shown = called("models", "parcel_hours")
    assert shown.count("NOT USABLE") == 3
    assert "Next: `daybreak register parcel_hours --from models:/parcel_hours/4 --trained-through DAY" in shown
    assert all(f"  {lack}\n" in shown for lack in lacks.values() if lack)
    assert [version.version for version in parcels.workspace.registry.versions("parcel_hours")] == [1]
    assert "parcel_hours version 2 is adopted, trained through" in called("adopt", "parcel_hours", "--version", "2")
    assert parcels.run().publication is not None


def test_what_runs_had_used_before_is_trusted_from_its_first_use_on(parcels: Parcels) -> None:
    parcels.execute("UPDATE ledger.trusted_versions SET libraries = NULL, score_profile = NULL, how = 'used'")
    parcels.plan()
    assert parcels.value("SELECT libraries IS NOT NULL FROM ledger.trusted_versions")
    tag(parcels, "library.numpy", "'1.0'")
    with pytest.raises(DaybreakError, match=r"\(libraries\)"):
        parcels.plan()
