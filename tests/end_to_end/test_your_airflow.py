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

from company_sales import DEPARTMENTS, sales
from daybreak.declaration.cadence import Week
from daybreak.declaration.partition import Calendar
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import PROJECT
from parcels import administer

PAGE = (PROJECT / "docs" / "daybreak-in-your-airflow.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, re.S))
FILES = dict(re.findall(r"<!-- shown: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.S))
[TABLE] = re.findall(
    r"<!-- table -->\n```sql\n(.*?)```", (PROJECT / "docs" / "pipeline-on-a-table.md").read_text(encoding="utf-8"), re.S
)
UV = Path(sys.executable).with_name("uv")
LOCK = PROJECT / "requirements.txt"
# The oldest of what the wheel says it runs with, as far as it can be had; the newest is what the lock has.
LOWEST = {"apache-airflow": "3.3.2", "sqlalchemy": "2.0.50"}
OLDEST_PYTHON, NEWEST_PYTHON = 11, 14
# The last stores of the table, and its last complete week.
STORES = 15
LAST = Calendar("UTC", Week(starts="sunday")).last_complete(datetime.now(UTC)).first_day


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


@pytest.fixture(scope="module")
def company(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Make the company's database, with the table of the page."""
    with administer(postgres) as connection:
        connection.exec_driver_sql("CREATE DATABASE your_airflow")
    engine = sa.create_engine(postgres.url("your_airflow"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in (*filter(str.strip, TABLE.split(";\n")), sales(LAST)):
            connection.exec_driver_sql(statement.replace("%", "%%"))
        connection.exec_driver_sql(f"DELETE FROM company.weekly_sales WHERE store <= 45 - {STORES}")
    yield postgres.url("your_airflow")
    with administer(postgres) as connection:
        connection.exec_driver_sql("DROP DATABASE your_airflow WITH (FORCE)")


def installed(folder: Path, python: Path, wanted: list[str], wheel: Path, company: str) -> Team:
    """Install an Airflow, and nothing of ours; skip where its packages cannot be had."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "uv").symlink_to(UV)
    (folder / "theirs.txt").write_text("\n".join(wanted))
    shutil.copy(wheel, folder)
    around = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_", "http"))}
    ours = {
        "HOME": os.environ["HOME"],
        "PATH": f"{folder}/venv/bin:{folder}/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(folder / "venv"),
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "DAYBREAK_HOME": str(folder / "home"),
        "DAYBREAK_WAREHOUSE_URL": company,
        "DAYBREAK_REGISTRY_URL": company,
        "OMP_WAIT_POLICY": "passive",
    }
    team = Team(folder, around | ours)
    made = subprocess.run([UV, "venv", "--quiet", "--python", python, folder / "venv"], check=False)
    install = [UV, "pip", "install", "--quiet", "--constraint", folder / "theirs.txt", "apache-airflow"]
    if made.returncode or subprocess.run(install, env=team.environment, check=False).returncode:
        pytest.skip("needs Airflow in an environment of its own, and its packages cannot be reached here")
    return team


@pytest.fixture(scope="module")
def pythons() -> dict[int, Path]:
    return interpreters()


@pytest.fixture(scope="module")
def team(pythons: dict[int, Path], wheel: Path, company: str, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Follow the page on the lowest versions until there is a pipeline with a model."""
    if OLDEST_PYTHON not in pythons:
        pytest.skip(f"needs Python 3.{OLDEST_PYTHON} for the lowest versions; found {sorted(pythons)}")
    folder = tmp_path_factory.mktemp("theirs") / "airflow"
    theirs = installed(folder, pythons[OLDEST_PYTHON], locked(LOWEST), wheel, company)
    (folder / "dags").mkdir()
    theirs.run("airflow db migrate")

    theirs.block("install")
    before = (folder / "constraints.txt").read_text().split()
    assert set(before) <= set(theirs.run("uv pip freeze").split()), "what was there is as it was"
    would, _, made = theirs.block("begin").partition(f"Package {folder}/my_pipelines was made.")
    assert f"Package {folder}/my_pipelines would be made." in would
    assert "files of sql/ledger would be applied." in would
    assert "files of sql/ledger were applied." in made
    theirs.exported(made)
    assert theirs.environment["DAYBREAK_PIPELINES"] == "my_pipelines"
    again = theirs.run("daybreak init --package my_pipelines --dags dags")
    assert f"Package {folder}/my_pipelines is there." in again
    assert "The ledger's tables are up to date." in again
    assert "export" not in again

    shown = re.findall(r"^(?:  [a-z]\S+  \(\d+ lines\)|Changed: .*)$", PAGE, re.M)
    assert set(shown) <= set(theirs.block("new").splitlines())
    [written] = (folder / "dags").iterdir()
    assert written.read_text() == FILES["dags/weekly_sales.py"]
    return theirs


def published(company: str) -> list[tuple[object, ...]]:
    with sa.create_engine(company, poolclass=sa.NullPool).connect() as connection:
        query = "SELECT partition_date, max(run_id), count(*) FROM predictions.weekly_sales GROUP BY 1"
        return [tuple(row) for row in connection.exec_driver_sql(query)]


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
    shipped = {path.relative_to(PROJECT / "sql").as_posix() for path in (PROJECT / "sql" / "ledger").rglob("*.sql")}
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


def test_an_airflow_that_is_there_runs_a_pipeline_by_the_page(team: Team, company: str) -> None:
    (team.folder / "dags" / "models.py").write_text(FILES["dags/models.py"])
    found = team.block("found")
    assert "daybreak_airflow.partition_timetable.PartitionTimetable" in found
    assert "daybreak/today" in found, "the pages"
    assert re.search(r"^daybreak +\| Batch inference", found, re.M)
    said = team.block("run")
    assert all(dag in said for dag in ("weekly_sales", "train_models", "promote_models", "measure_predictions"))
    assert "No data found" in said, "no import errors"
    [(day, _, rows)] = published(company)
    assert (day, rows) == (LAST, STORES * DEPARTMENTS)
    assert "up to date" in team.block("upgrade")


def test_the_newest_versions_run_the_same_package(
    team: Team, pythons: dict[int, Path], wheel: Path, company: str, tmp_path: Path
) -> None:
    newest = installed(tmp_path / "airflow", pythons[max(pythons)], locked({}), wheel, company)
    newest.block("install")
    theirs = ("PYTHONPATH", "DAYBREAK_HOME", "DAYBREAK_PIPELINES", "DAYBREAK_DAGS")
    newest.environment.update({name: team.environment[name] for name in theirs})
    # Both are of one version of Airflow, whose database takes as long to make as a run.
    shutil.copy(team.folder / "airflow.db", newest.folder)
    shutil.copytree(team.folder / "dags", newest.folder / "dags")
    before = published(company)
    newest.run("airflow dags test weekly_sales")
    [(day, run, rows)] = published(company)
    assert (day, rows) == (LAST, STORES * DEPARTMENTS)
    assert [(day, run, rows)] != before, "a run of its own"


def test_taken_out_again_it_leaves_what_was_there(team: Team) -> None:
    team.block("remove")
    assert list((team.folder / "dags").glob("*.py")) == []
    before = (team.folder / "constraints.txt").read_text().split()
    left = team.run("uv pip freeze").split()
    assert set(before) <= set(left)
    assert not [one for one in left if one.startswith("daybreak")]
