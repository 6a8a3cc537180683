"""Pipelines are found by name, each by itself: a broken one is named, and breaks no other."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daybreak.declaration.loading import find_pipeline, load_declared, load_pipelines
from daybreak.errors import ConfigurationError
from fixture_pipelines import PARCEL_HOURS

Declare = Callable[..., str]
SOUND = "from fixture_pipelines import PARCEL_HOURS as SOUND\n"
# Whatever a declaration does when it is imported, and what is said of it.
BROKEN = {
    "does_not_parse": ("BROKEN = Pipeline(\n", "SyntaxError: '(' was never closed in "),
    "imports_what_is_not_there": ("import no_such_module\n", "No module named 'no_such_module' in "),
    "misses_a_name": ("\nBROKEN = Pipelin()\n", "NameError: name 'Pipelin' is not defined in "),
    "raises": ("raise OSError('no disk')\n", "OSError: no disk in "),
    "has_another_name": ("OTHER = 1\n", "has no attribute 'BROKEN'"),
    "is_no_pipeline": ("BROKEN = 'parcels'\n", "it is a str, not a Pipeline"),
    "has_another_cadence_than_its_upstream": (
        "from dataclasses import replace\nfrom daybreak import Hour\n"
        + SOUND
        + "BROKEN = replace(SOUND, name='hours', every=Hour(), upstream=SOUND.name)\n",
        "it is hourly and its upstream parcel_hours daily",
    ),
    "starts_its_weeks_on_another_day": (
        "from dataclasses import replace\nfrom daybreak import Week\n"
        + SOUND
        + "BROKEN = replace(SOUND, name='weeks', every=Week('sunday'), upstream=SOUND.name)\n",
        "it is weekly from sunday and its upstream parcel_hours daily",
    ),
    "is_of_another_time_zone_than_its_upstream": (
        "from dataclasses import replace\n" + SOUND + "BROKEN = replace(SOUND, name='west', upstream=SOUND.name, "
        "timezone='America/Los_Angeles')\n",
        "its time zone is America/Los_Angeles and that of its upstream parcel_hours America/New_York",
    ),
    "contradicts_itself": (
        "from dataclasses import replace\n" + SOUND + "BROKEN = replace(SOUND, upstream=SOUND.name)\n",
        "parcel_hours declares itself as its upstream",
    ),
}


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Declare]:
    """Return a function that writes a package with a sound and a broken pipeline, and returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(broken: str, register: str = '("{0}.broken:BROKEN", "{0}.sound:SOUND")') -> str:
        name = f"declares_{len(list(tmp_path.iterdir()))}_{tmp_path.name}".replace("-", "_")
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").write_text(f"PIPELINES = {register.format(name)}\n")
        (package / "sound.py").write_text(SOUND)
        (package / "broken.py").write_text(broken)
        return name

    yield write
    for module in [name for name in sys.modules if name.startswith("declares_")]:
        del sys.modules[module]


def test_a_pipeline_is_found_by_name() -> None:
    assert find_pipeline("fixture_pipelines", PARCEL_HOURS.name) is PARCEL_HOURS


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no pipeline 'orders'.*choose from .*parcel_hours"):
        find_pipeline("fixture_pipelines", "orders")


@pytest.mark.parametrize("module", ["no_such_module", "json"])
def test_a_module_without_pipelines_is_refused(module: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"module '{module}'.*DAYBREAK_PIPELINES"):
        load_pipelines(module)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_pipeline_is_named_with_the_reason_and_breaks_no_other(kind: str, declare: Declare) -> None:
    text, told = BROKEN[kind]
    module = declare(text)
    declared = load_declared(module)
    assert declared.pipelines == {PARCEL_HOURS.name: PARCEL_HOURS}
    assert find_pipeline(module, PARCEL_HOURS.name) is PARCEL_HOURS
    [(reference, error)] = declared.broken.items()
    assert reference == f"{module}.broken:BROKEN"
    assert str(error).startswith(f"The pipeline {reference} cannot be used: ")
    assert told in str(error)
    assert " Next: " in str(error)
    assert "\n" not in str(error)


def test_where_a_declaration_breaks_is_told_by_file_and_line(declare: Declare) -> None:
    module = declare("\n\nBROKEN = 1 / 0\n")
    [error] = load_declared(module).broken.values()
    assert f"{module}/broken.py, line 3" in str(error)


def test_who_asks_for_the_broken_one_is_told_why(declare: Declare) -> None:
    module = declare("raise OSError('no disk')\n")
    with pytest.raises(ConfigurationError, match=r"broken:BROKEN cannot be used: OSError: no disk"):
        find_pipeline(module, "broken")


def test_who_asks_for_a_name_that_is_not_there_is_told_of_the_broken_one_too(declare: Declare) -> None:
    module = declare("raise OSError('no disk')\n")
    with pytest.raises(ConfigurationError, match=rf"choose from parcel_hours; or mend {module}.broken:BROKEN"):
        find_pipeline(module, "orders")


def test_once_mended_it_is_there(declare: Declare, tmp_path: Path) -> None:
    module = declare("raise OSError('no disk')\n")
    assert load_declared(module).broken
    text = (
        "from dataclasses import replace\n" + SOUND + "BROKEN = replace(SOUND, name='mended')  # longer than before\n"
    )
    (tmp_path / module / "broken.py").write_text(text)
    assert list(load_pipelines(module)) == ["mended", PARCEL_HOURS.name]


def test_references_and_pipelines_may_stand_side_by_side(declare: Declare, tmp_path: Path) -> None:
    module = declare("", '("{0}.sound:SOUND", OTHER)')
    register = tmp_path / module / "__init__.py"
    register.write_text("from fixture_pipelines import PARCEL_CLASSES as OTHER\n" + register.read_text())
    assert list(load_pipelines(module)) == ["parcel_hours", "parcel_classes"]


@pytest.mark.parametrize(("register", "told"), [('("{0}.sound:SOUND")', "is no tuple"), ("None", "is no tuple")])
def test_a_register_that_is_no_tuple_is_refused(register: str, told: str, declare: Declare) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_pipelines(declare("", register))


@pytest.mark.parametrize("entry", ['""', '"{0}.sound"', '":SOUND"', "3", "None"])
def test_an_entry_that_names_no_pipeline_is_broken(entry: str, declare: Declare) -> None:
    declared = load_declared(declare("", f'({entry}, "{{0}}.sound:SOUND")'))
    assert list(declared.pipelines) == ["parcel_hours"]
    assert len(declared.broken) == 1


def test_two_pipelines_of_one_name_are_refused(declare: Declare) -> None:
    with pytest.raises(ConfigurationError, match="declares two pipelines 'parcel_hours'"):
        load_pipelines(
            declare("from dataclasses import replace\n" + SOUND + "BROKEN = replace(SOUND, timezone='UTC')\n")
        )


def test_a_module_that_cannot_be_imported_is_refused_in_one_line(declare: Declare) -> None:
    module = declare("", "(1, ")
    with pytest.raises(ConfigurationError, match=rf"module '{module}' \(SyntaxError: .*line 1\)"):
        load_pipelines(module)
