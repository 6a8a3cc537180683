"""Whatever extra is installed, it changes nothing that is there already."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from daybreak.settings import PROJECT

ALL = PROJECT / "requirements-extras.txt"
LOCKS = [PROJECT / "requirements.txt", *sorted((PROJECT / "requirements").glob("*.txt"))]
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def pins(file: Path) -> set[str]:
    return set(re.findall(r"^[a-z0-9][\w.-]*==[^ \\]+", file.read_text(), re.M))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_lock_has_the_versions_that_all_have_together(lock: Path) -> None:
    assert pins(lock)
    assert pins(lock) <= pins(ALL)
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", lock.read_text())
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^#.*\n", "", lock.read_text()))
    assert all("--hash=sha256:" in entry for entry in entries)


def test_every_extra_has_a_lock_that_make_lock_makes() -> None:
    [made] = re.findall(r"^EXTRAS := (.*)$", (PROJECT / "Makefile").read_text(), re.M)
    assert {path.stem for path in LOCKS[1:]} == set(made.split()) == set(DECLARED) - {"dev"}
    for extra in made.split():
        locked = {pin.partition("==")[0] for pin in pins(PROJECT / "requirements" / f"{extra}.txt")}
        assert {Requirement(text).name for text in DECLARED[extra]} <= locked


def test_what_is_installed_by_default_has_no_client_of_object_storage() -> None:
    assert not {"s3fs", "gcsfs", "adlfs", "botocore"} & {pin.partition("==")[0] for pin in pins(LOCKS[0])}
