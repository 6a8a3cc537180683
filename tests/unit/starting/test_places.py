"""Where a new pipeline's files go: into a project, or into a package and the folder of somebody's DAGs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybreak.errors import ConfigurationError
from daybreak.settings import Settings
from daybreak.starting.places import Places, move
from daybreak.starting.scaffold_files import Scaffold

PLACES = (Path("/dev/shm"), Path(tempfile.gettempdir()))
FILES = {
    "include/our_shop/churn.py": "CHURN = 'declared'\n",
    "sql/churn/extract.sql": "-- One row.\n",
    "dags/churn.py": "from our_shop.churn import CHURN\n",
}


@pytest.fixture
def dags(tmp_path: Path) -> Iterator[Path]:
    """A folder of DAGs on another file system, where there is one."""
    elsewhere = [place for place in PLACES if place.is_dir() and place.stat().st_dev != tmp_path.stat().st_dev]
    if not elsewhere:
        pytest.skip("needs a second file system")
    with tempfile.TemporaryDirectory(dir=elsewhere[0]) as folder:
        yield Path(folder)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "our_shop"
    folder.mkdir()
    (folder / "__init__.py").write_text("PIPELINES = ()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_a_pipeline_goes_into_the_package_and_its_dag_to_another_file_system(package: Path, dags: Path) -> None:
    places = Places.of(Settings(project=None, pipelines="our_shop", dags=dags))
    scaffold = Scaffold(places, "churn")
    with scaffold.alone():
        scaffold.refuse_name()
        scaffold.place(FILES)
    assert (package / "churn.py").read_text() == FILES["include/our_shop/churn.py"]
    assert (package / "sql" / "churn" / "extract.sql").read_text() == FILES["sql/churn/extract.sql"]
    assert (dags / "churn.py").read_text() == FILES["dags/churn.py"]
    assert "our_shop.churn:CHURN" in (package / "__init__.py").read_text()
    assert [path.name for path in dags.iterdir()] == ["churn.py"]
    assert not list(package.glob(".*"))
    assert [places.shown(places.place(path)) for path in FILES] == [
        "our_shop/churn.py",
        "our_shop/sql/churn/extract.sql",
        str(dags / "churn.py"),
    ]


def test_what_is_moved_to_another_file_system_is_whole_or_not_there(tmp_path: Path, dags: Path) -> None:
    (tmp_path / "new.py").write_text("new")
    (dags / "new.py").write_text("old")
    move(tmp_path / "new.py", dags / "new.py")
    assert not (tmp_path / "new.py").exists()
    assert [(path.name, path.read_text()) for path in dags.iterdir()] == [("new.py", "new")]
    with pytest.raises(FileNotFoundError):
        move(tmp_path / "not there.py", dags / "new.py")


def test_where_dags_go_has_to_be_said_and_to_be_there(package: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not said where DAG files go"):
        Places.of(Settings(project=None, pipelines="our_shop"))
    for project in (None, tmp_path):
        with pytest.raises(ConfigurationError, match="There is no folder"):
            Places.of(Settings(project=project, pipelines="our_shop", dags=tmp_path / "nowhere"))


def test_a_project_may_have_its_dags_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    places = Places.of(Settings(project=tmp_path, pipelines="shop.of", dags=tmp_path / "theirs"))
    assert places.place("dags/churn.py") == tmp_path / "theirs" / "churn.py"
    assert places.place("include/shop/of/churn.py") == tmp_path / "include/shop/of/churn.py"
    assert Places.of(Settings(project=tmp_path, pipelines="shop")).dags == tmp_path / "dags"
