"""docs/daybreak-in-your-airflow.md: the wheel beside a bare Airflow that knows nothing of this checkout."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from company_sales import sales
from daybreak.declaration.cadence import Week
from daybreak.declaration.partition import Calendar
from daybreak.settings import PROJECT
from parcels import NewDatabase

PAGE = (PROJECT / "docs" / "daybreak-in-your-airflow.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, re.S))
FILES = dict(re.findall(r"<!-- (?:shown|written): (\S+) -->\n```\w+\n(.*?)```", PAGE, re.S))
[TABLE] = re.findall(
    r"<!-- table -->\n```sql\n(.*?)```", (PROJECT / "docs" / "pipeline-on-a-table.md").read_text(encoding="utf-8"), re.S
)
UV = Path(sys.executable).with_name("uv")
LOCK = PROJECT / "requirements.txt"
# The oldest of what the wheel says it runs with, as far as it can be had; the newest is what the lock has.
LOWEST = {"apache-airflow": "3.3.2", "sqlalchemy": "2.0.50"}
OLDEST_PYTHON, NEWEST_PYTHON = 11, 14
STORES = 15


def interpreters() -> dict[int, Path]:
    """Find the Pythons of this machine that the wheel may meet, by their minor version."""
    found = {}
    for minor in range(OLDEST_PYTHON, NEWEST_PYTHON + 1):
        kept = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3.{minor}"))
        on_path = shutil.which(f"python3.{minor}")
        for program in (*kept, *([Path(on_path)] if on_path else [])):
            if subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode == 0:
                found[minor] = program
                break
    return found


@dataclass(frozen=True)
class Team:
    """Somebody with an Airflow of their own, and a folder in which nothing is of this project."""

    folder: Path
    environment: dict[str, str]

    def run(self, commands: str) -> str:
        """Run commands in a shell; each has to succeed."""
        done = subprocess.run(
            ["bash", "-euc", commands],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def block(self, name: str) -> str:
        """Run a block of the page."""
        return self.run(BLOCKS[name])

    def exported(self, said: str) -> None:
        """Set what a command says is to be set."""
        lines = re.findall(r"^  (export .*)$", said, re.M)
        for name in re.findall(r"export (\w+)=", "\n".join(lines)):
            self.environment[name] = self.run("\n".join([*lines, f'printf %s "${name}"']))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `make wheel` does."""
    folder = tmp_path_factory.mktemp("wheel")
    [command] = re.findall(r"uv (build .*?) --out-dir dist \.", (PROJECT / "Makefile").read_text())
    arguments = command.replace("$(BIN)/python", sys.executable).split()
    subprocess.run([UV, *arguments, "--out-dir", folder, PROJECT], check=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(params=["lowest", "newest"])
def team(
    request: pytest.FixtureRequest, wheel: Path, new_database: NewDatabase, tmp_path: Path
) -> Iterator[tuple[str, Team, sa.Engine]]:
    """Install an Airflow, and nothing of ours; skip where the packages cannot be had."""
    lowest = request.param == "lowest"
    pythons = interpreters()
    if not pythons or (lowest and OLDEST_PYTHON not in pythons):
        pytest.skip(f"needs Python 3.{OLDEST_PYTHON} for the lowest versions; found {sorted(pythons)}")
    python = pythons[OLDEST_PYTHON if lowest else max(pythons)]
    folder = tmp_path / "airflow"
    (folder / "dags").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "uv").symlink_to(UV)
    shutil.copy(wheel, folder)
    around = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_", "http"))}
    url = new_database()
    team = Team(
        folder,
        {
            **around,
            "HOME": os.environ["HOME"],
            "PATH": f"{folder}/venv/bin:{folder}/bin:/usr/bin:/bin",
            "VIRTUAL_ENV": str(folder / "venv"),
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "DAYBREAK_HOME": str(tmp_path / "home"),
            "DAYBREAK_WAREHOUSE_URL": url,
            "DAYBREAK_REGISTRY_URL": url,
        },
    )
    wanted = locked(LOWEST if lowest else {})
    (folder / "theirs.txt").write_text("\n".join(wanted))
    made = subprocess.run([UV, "venv", "--quiet", "--python", python, folder / "venv"], check=False)
    install = [UV, "pip", "install", "--quiet", "--constraint", folder / "theirs.txt", "apache-airflow"]
    if made.returncode or subprocess.run(install, env=team.environment, check=False).returncode:
        pytest.skip("needs Airflow in an environment of its own, and its packages cannot be reached here")
    team.run("airflow db migrate")
    engine = sa.create_engine(url)
    yield request.param, team, engine
    engine.dispose()


def locked(others: dict[str, str]) -> list[str]:
    """Return the pins of the lock, with some in other versions; what belongs to Airflow follows from Airflow's."""
    pins = re.findall(r"^([a-z0-9][\w.-]*)==([^ \\]+)( ;[^\\\n]*)?", LOCK.read_text(), re.M)
    airflows = "apache-airflow" if "apache-airflow" in others else "\0"
    kept = [f"{name}=={at}{when}" for name, at, when in pins if name not in others and not name.startswith(airflows)]
    return [*kept, *(f"{name}=={version}" for name, version in others.items())]


def test_the_wheel_has_the_engine_and_nothing_of_the_pipelines(wheel: Path) -> None:
    from zipfile import ZipFile

    with ZipFile(wheel) as opened:
        names = set(opened.namelist())
        [metadata] = [opened.read(name).decode() for name in names if name.endswith("/METADATA")]
    assert {name.partition("/")[0] for name in names} == {"daybreak", "daybreak_airflow", "daybreak-0.1.0.dist-info"}
    shipped = {path.relative_to(PROJECT / "sql").as_posix() for path in (PROJECT / "sql" / "ledger").iterdir()}
    assert {name.removeprefix("daybreak/sql/") for name in names if name.startswith("daybreak/sql/")} == shipped
    for folder in ("include/daybreak", "plugins/daybreak_airflow"):
        root = (PROJECT / folder).parent
        files = {path.relative_to(root).as_posix() for path in (PROJECT / folder).rglob("*") if path.is_file()}
        assert {name for name in files if not re.search(r"(^|/)(__pycache__|\.|ruff\.toml)", name)} <= names
    assert "Requires-Python: >=3.11" in metadata
    asked = re.findall(r"^Requires-Dist: (\S+)$", metadata, re.M)
    assert "apache-airflow<4,>=3.3.2" in asked
    assert not [one for one in asked if "==" in one or one.startswith(("completejourney", "pixeltable"))]
    offered = set(re.findall(r"^Provides-Extra: (\S+)$", metadata, re.M))
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE[: PAGE.index("## 3.")], re.M))))
    assert named <= offered


def test_an_airflow_that_is_there_runs_a_pipeline_by_the_page(team: tuple[str, Team, sa.Engine]) -> None:
    which, theirs, engine = team
    last = Calendar("UTC", Week(starts="sunday")).last_complete(datetime.now(UTC)).first_day
    with engine.begin() as connection:
        for statement in (
            *TABLE.split(";\n"),
            sales(last),
            f"DELETE FROM company.weekly_sales WHERE store <= 45 - {STORES}",
        ):
            if statement.strip():
                connection.exec_driver_sql(statement.replace("%", "%%"))

    theirs.block("install")
    before = (theirs.folder / "constraints.txt").read_text().split()
    assert set(before) <= set(theirs.run("uv pip freeze").split()), "what was there is as it was"
    said = theirs.block("begin")
    assert f"Package {theirs.folder}/my_pipelines would be made." in said
    assert f"Package {theirs.folder}/my_pipelines was made." in said
    theirs.exported(said.rpartition("would be")[2])
    assert theirs.environment["DAYBREAK_PIPELINES"] == "my_pipelines"
    again = theirs.run("daybreak init --package my_pipelines --dags dags")
    assert f"Package {theirs.folder}/my_pipelines is there." in again
    assert "The ledger's tables are up to date." in again
    assert "export" not in again

    said = theirs.block("new")
    assert "  dags/weekly_sales.py  (6 lines)" in said
    assert (theirs.folder / "dags" / "weekly_sales.py").read_text() == FILES["dags/weekly_sales.py"]
    assert sorted(path.name for path in (theirs.folder / "dags").iterdir()) == ["weekly_sales.py"]
    if which == "lowest":
        (theirs.folder / "dags" / "models.py").write_text(FILES["dags/models.py"])
        found = theirs.block("found")
        assert "daybreak_airflow.partition_timetable.PartitionTimetable" in found
        assert re.search(r"^daybreak +\| Batch inference", found, re.M)
        said = theirs.block("run")
        assert all(dag in said for dag in ("weekly_sales", "train_models", "promote_models", "measure_predictions"))
        assert "No data found" in said, "no import errors"
    else:
        theirs.run("airflow dags test weekly_sales")
    with engine.connect() as connection:
        published = connection.exec_driver_sql(
            "SELECT partition_date, count(*) FROM predictions.weekly_sales GROUP BY 1"
        ).all()
        assert [tuple(row) for row in published] == [(last, STORES * 6)]
    if which == "lowest":
        assert "up to date" in theirs.block("upgrade")
        theirs.block("remove")
        assert set(before) <= set(theirs.run("uv pip freeze").split())
