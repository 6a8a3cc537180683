"""A package for one's pipelines: made once, found by Python, and nothing that is there is touched."""

import importlib
from pathlib import Path

import pytest

from daybreak.errors import ConfigurationError
from daybreak.settings import Settings
from daybreak.starting.own_package import see_to_package, to_be_set


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings as of an installed wheel, in a folder of somebody's Airflow."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"DAYBREAK_{name.upper()}", raising=False)
    (tmp_path / "dags").mkdir()
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    return Settings(project=None, pipelines="")


def make(settings: Settings, folder: str, dags: str | None = None, *, dry_run: bool = False) -> str:
    return see_to_package(settings, Path(folder), dags and Path(dags), dry_run=dry_run)


def contents(folder: Path) -> dict[str, str | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_it_is_made_once_and_never_touched_again(settings: Settings, tmp_path: Path) -> None:
    assert make(settings, "my_pipelines", dry_run=True) == f"Package {tmp_path}/my_pipelines would be made."
    assert contents(tmp_path) == {"dags": None}
    assert make(settings, "my_pipelines", "dags") == f"Package {tmp_path}/my_pipelines was made."
    made = contents(tmp_path)
    assert sorted(made) == ["dags", "my_pipelines", "my_pipelines/__init__.py", "my_pipelines/sql"]
    register = tmp_path / "my_pipelines" / "__init__.py"
    register.write_text(register.read_text().replace("()", '("my_pipelines.churn:CHURN",)'))
    made = contents(tmp_path)
    assert make(settings, "my_pipelines", "dags") == f"Package {tmp_path}/my_pipelines is there."
    assert make(settings, "my_pipelines", "dags", dry_run=True) == f"Package {tmp_path}/my_pipelines is there."
    assert contents(tmp_path) == made


def test_in_the_dags_folder_airflow_looks_for_no_dags_in_it(settings: Settings, tmp_path: Path) -> None:
    make(settings, "dags/my_pipelines", "dags")
    assert (tmp_path / "dags" / "my_pipelines" / ".airflowignore").read_text() == "*\n"


def test_what_is_to_be_set_is_what_is_not_set(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(settings, "our_pipelines", "dags")
    wanted = to_be_set(settings, Path("our_pipelines"), Path("dags"))
    assert wanted == {
        "DAYBREAK_PIPELINES": "our_pipelines",
        "DAYBREAK_DAGS": str(tmp_path / "dags"),
        "PYTHONPATH": str(tmp_path),
    }
    monkeypatch.syspath_prepend(wanted["PYTHONPATH"])
    done = Settings(project=None, pipelines="our_pipelines", dags=tmp_path / "dags")
    assert to_be_set(done, Path("our_pipelines"), Path("dags")) == {}
    assert done.package == tmp_path / "our_pipelines"
    assert done.sql == tmp_path / "our_pipelines" / "sql"


@pytest.mark.parametrize(
    ("folder", "dags", "problem"),
    [
        ("my-pipelines", None, "cannot name a package"),
        ("2go", None, "cannot name a package"),
        ("class", None, "cannot name a package"),
        ("größe", None, "cannot name a package"),
        ("json", None, "already means something else"),
        ("pandas", None, "already means something else"),
        ("daybreak", None, "already means something else"),
        ("mine", "nowhere", "There is no folder"),
        ("dags/file/mine", None, "cannot be written"),
        ("other", None, "no plain tuple PIPELINES"),
    ],
)
def test_what_cannot_be_a_package_is_refused_and_nothing_is_made(
    folder: str, dags: str | None, problem: str, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "dags" / "file").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__init__.py").write_text("PIPELINES = load()\n")
    before = contents(tmp_path)
    with pytest.raises(ConfigurationError, match=problem) as refused:
        make(settings, folder, dags)
    assert refused.value.next_step
    assert contents(tmp_path) == before


def test_in_a_project_packages_are_below_include(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"The packages of this project are in .*/include"):
        make(Settings(project=tmp_path), str(tmp_path / "mine"))
    make(Settings(project=tmp_path), str(tmp_path / "include" / "mine"))
    assert (tmp_path / "include" / "mine" / "__init__.py").is_file()


def test_without_a_project_what_is_missing_is_told(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="not said which package") as refused:
        _ = settings.sql
    assert "DAYBREAK_PIPELINES" in refused.value.next_step
    with pytest.raises(ConfigurationError, match="no package 'nobodys' that Python finds"):
        _ = Settings(project=None, pipelines="nobodys").package
    with pytest.raises(ConfigurationError, match="Only a checkout"):
        _ = settings.checkout
