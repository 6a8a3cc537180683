"""Environments are installed once, whole or not at all, of wheels alone."""

import io
import tarfile
import threading
from pathlib import Path
from zipfile import ZipFile

import pytest

from daybreak.errors import EnvironmentUnavailable, ModelRefused
from daybreak.models.environments import Environments
from daybreak.models.requirements import Requirements

TINY = Requirements(("tiny==1.0",))


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Fill a folder with one wheel, and with one package that would have to be built."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    with tarfile.open(folder / "built-1.0.tar.gz", "w:gz") as source:
        for name, text in (
            ("setup.py", f"open({str(tmp_path / 'ran')!r}, 'w')\n"),
            ("PKG-INFO", "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n"),
        ):
            described = tarfile.TarInfo(f"built-1.0/{name}")
            described.size = len(text)
            source.addfile(described, io.BytesIO(text.encode()))
    return folder


@pytest.fixture
def environments(tmp_path: Path, wheels: Path) -> Environments:
    return Environments(tmp_path / "environments", wheels)


def test_one_is_installed_once_and_says_what_is_in_it(environments: Environments) -> None:
    steps: list[str] = []
    assert environments.installed(TINY) is None
    first = environments.of(TINY, "churn version 3", steps.append)
    assert steps == ["installing the environment of churn version 3"]
    assert "tiny==1.0" in first.packages
    assert [package.partition("==")[0] for package in first.packages] == ["python", "tiny"]
    assert first.python.exists()
    assert environments.of(TINY, "churn version 3", steps.append) == first == environments.installed(TINY)
    assert len(steps) == 1
    assert environments.all() == [first.folder]


def test_what_a_killed_process_left_is_no_environment(environments: Environments) -> None:
    place = environments.folder / TINY.digest[:32]
    half = environments.folder / f"{place.name}.1a2b3c4d.part"
    for folder in (half, place):
        (folder / "bin").mkdir(parents=True)
    (half / "packages.txt").write_text("tiny==1.0\n")
    assert environments.installed(TINY) is None
    assert environments.all() == []
    assert environments.of(TINY, "churn version 3").folder == place
    assert not half.exists()


def test_one_whose_python_is_gone_is_installed_anew(environments: Environments) -> None:
    first = environments.of(TINY, "churn version 3")
    first.python.unlink()
    assert environments.installed(TINY) is None
    assert environments.of(TINY, "churn version 3").python.exists()


def test_of_several_at_once_one_installs_and_the_others_wait(environments: Environments) -> None:
    steps: list[str] = []
    found: list[object] = []

    def wanted() -> None:
        # Each has a lock of its own, as processes do.
        alike = Environments(environments.folder, environments._wheels)
        found.append(alike.of(TINY, "churn version 3", steps.append))

    threads = [threading.Thread(target=wanted) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(steps), len(found), len(set(map(str, found)))) == (1, 4, 1)


@pytest.mark.parametrize("name", ["missing", "built"])
def test_what_is_not_there_as_a_wheel_is_refused_by_name_and_leaves_nothing(
    environments: Environments, wheels: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(
        ModelRefused, match=rf"^The environment of churn version 3 cannot be installed: .*{name}"
    ) as told:
        environments.of(Requirements((f"{name}==1.0",)), "churn version 3")
    assert f"put the wheels that it lacks into {wheels} (DAYBREAK_WHEELS)" in str(told.value)
    assert not (tmp_path / "ran").exists(), "a package was built, which runs its writer's code"
    assert environments.all() == []
    assert not list(environments.folder.glob("*.part"))


def test_an_index_that_cannot_be_reached_is_transient_and_says_how_to_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "UV_DEFAULT_INDEX": "http://login:secret@127.0.0.1:9/simple",
        "UV_INDEX_URL": "http://login:secret@127.0.0.1:9/simple",
        "UV_EXTRA_INDEX_URL": "",
        "UV_NO_CACHE": "1",
        "UV_HTTP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentUnavailable, match=r"^The packages of churn version 3 cannot be reached: ") as told:
        Environments(tmp_path / "environments").of(Requirements(("nowhere-to-be-had==1.0",)), "churn version 3")
    assert "set DAYBREAK_WHEELS to it" in str(told.value)
    assert "secret" not in str(told.value)
