"""The doctor: one line for each thing that is needed, and what to do where it is missing."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daybreak.settings import Settings
from daybreak.starting.doctor import Finding, examine, of_server
from daybreak.workspace import Workspace
from ports import free_port


def missing(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.what, one.found, one.next_step) for one in found if one.next_step]


def examined(settings: Settings, **changes: Any) -> list[Finding]:
    workspace = Workspace(settings.model_copy(update=changes))
    found = list(examine(workspace))
    workspace.close()
    return found


def test_everything_that_is_needed_has_a_line(workspace: Workspace) -> None:
    found = list(examine(workspace))
    assert missing(found) == []
    assert list(dict.fromkeys(one.what for one in found)) == [
        *("python", "packages", "disk", "warehouse", "registry"),
        *("sources", "batches", "models", "environments", "push target"),
    ]


def test_a_python_that_is_too_old_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(sys, "version_info", (3, 10, 9, "final", 0))
        found = next(examine(workspace))
    assert found == Finding("python", "3.10.9", "install Python 3.11 or newer.")


def test_packages_that_are_missing_or_of_another_version_are_told(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "installed" / "daybreak-1.0.dist-info"
    folder.mkdir(parents=True)
    wanted = ("sqlalchemy>=2", "not-there-at-all>=1", "packaging<1", 'not-asked-for; extra == "s3"')
    lines = ["Metadata-Version: 2.1", "Name: daybreak", "Version: 1.0", *(f"Requires-Dist: {one}" for one in wanted)]
    (folder / "METADATA").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(folder.parent)
    [(what, found, step)] = missing(list(examine(workspace)))
    assert what == "packages"
    assert found.startswith("not-there-at-all is not installed; packaging ")
    assert found.endswith(" is not <1")
    assert "pip install --require-hashes --no-deps -r requirements.txt" in step


def test_a_disk_that_is_short_of_space_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**8))
    [(what, found, step)] = missing(list(examine(workspace)))
    assert (what, found.partition(" in ")[0]) == ("disk", "0 GB free")
    assert "another folder in DAYBREAK_HOME: 1 GB is wanted" in step


@pytest.mark.parametrize(("version", "step"), [(13, "use PostgreSQL 14 or newer."), (14, None)])
def test_a_server_that_is_too_old_is_told(version: int, step: str | None) -> None:
    assert of_server(version, "shop", "me") == Finding("", f"PostgreSQL {version}, database shop, login me", step)


@pytest.mark.parametrize("what", ["batches", "models"])
@pytest.mark.parametrize("kind", ["below a file", "not to be written to"])
def test_a_storage_that_cannot_be_written_to_is_told(settings: Settings, tmp_path: Path, what: str, kind: str) -> None:
    (tmp_path / "file").touch()
    uri = (tmp_path / "file" / "below").as_uri() if kind == "below a file" else "file:///proc/self"
    [(of, found, step)] = missing(examined(settings, **{f"{what}_uri": uri}))
    assert of == what
    assert found.startswith(f"{uri}: ")
    assert "see that it is there and may be written to" in step


def test_a_storage_that_nobody_has_named_is_told_with_its_package(settings: Settings) -> None:
    [(what, found, _)] = missing(examined(settings, models_uri="nowhere://bucket/models"))
    assert (what, found.partition(": ")[0]) == ("models", "nowhere://bucket/models")


def test_looking_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    assert missing(examined(settings, batches_uri=(tmp_path / "some" / "where").as_uri())) == []
    assert set(tmp_path.rglob("*")) == before


def test_a_push_target_that_does_not_answer_and_lacks_its_secrets_is_told(settings: Settings) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    found = [one[1:] for one in missing(examined(settings, push_url=url, push_token=None, push_signing_key=None))]
    names = "DAYBREAK_PUSH_TOKEN and DAYBREAK_PUSH_SIGNING_KEY"
    assert found == [
        (f"{names} are not set", f"set {names}."),
        (f"{url} does not answer (ConnectError)", "see that DAYBREAK_PUSH_URL is right."),
    ]
