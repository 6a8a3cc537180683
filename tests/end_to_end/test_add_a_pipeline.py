"""docs/add-a-pipeline.md, followed word for word in a copy of the project: commands, queries, code, output, Airflow."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from csv_files import telco
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.local.airflow import LocalAirflow
from daybreak.local.airflow_environment import USER
from daybreak.local.airflow_http import AirflowHttp
from daybreak.settings import PROJECT, Settings
from homes import short_lived
from parcels import NewDatabase
from ports import free_port
from waiting import LONG

PAGE = PROJECT / "docs" / "add-a-pipeline.md"
# The data lies beside the project, where it lies at all.
TELCO = next(
    (found for parent in PROJECT.parents if (found := parent / "shared/data/telco_churn/telco_churn.csv").is_file()),
    None,
)
COPIED = ("dags", "include", "plugins", "sql", "tests", "pyproject.toml")
DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")
BACKFILL = re.compile(r"\*Trigger → Backfill\*, from (\S+) to (\S+), \*All Runs\*")
BLOCK = re.compile(r"(?:^<!-- (?P<what>\w+): (?P<path>\S+) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A block of the page: its language, its text, and the file that it shows or is written to."""

    kind: str
    text: str
    what: str | None
    path: str | None


def page() -> str:
    """Read the page; its days keep their distance from the day on which it was written."""
    text = PAGE.read_text(encoding="utf-8")
    written = re.search(r"written on (\S+);", text)
    assert written
    passed = datetime.now(UTC).date() - date.fromisoformat(written[1])
    return DAY.sub(lambda day: (date.fromisoformat(day[0]) + passed).isoformat(), text)


def blocks() -> Iterator[Block]:
    for found in BLOCK.finditer(page()):
        yield Block(found["kind"], found["text"], found["what"], found["path"])


def changed(text: str, change: str) -> str:
    """Make a change that is written as a diff: the lines that it keeps and takes out are in the text, once."""
    lines = change.splitlines(keepends=True)
    before, after = ("".join(line[1:] for line in lines if line[0] in (" ", sign)) for sign in "-+")
    assert text.count(before) == 1, change
    return text.replace(before, after)


class Reader:
    """Somebody who does what the page says, in a copy of the project."""

    def __init__(self, folder: Path, home: Path, url: str) -> None:
        self.folder = folder
        self.home = home
        self.url = url
        for name in COPIED:
            source = PROJECT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            else:
                shutil.copy(source, folder / name)
        (folder / ".venv").symlink_to(sys.prefix)

    @property
    def python_path(self) -> str:
        return f"{self.folder / 'include'}:{self.folder / 'plugins'}"

    def run(self, commands: str) -> str:
        """Run commands in a shell; each has to succeed."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DAYBREAK_", "AIRFLOW"))
        }
        environment |= {
            "PYTHONPATH": self.python_path,
            "DAYBREAK_HOME": str(self.home),
            "DAYBREAK_WAREHOUSE_URL": self.url,
            "DAYBREAK_REGISTRY_URL": self.url,
            # What mypy knows of the libraries, which are the same ones, takes a minute to find out anew.
            "MYPY_CACHE_DIR": str(PROJECT / ".mypy_cache"),
        }
        done = subprocess.run(
            ["bash", "-euc", commands], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, query: str) -> str:
        """Run a query; a row is a line, its cells apart by a stroke."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return "\n".join(" | ".join(map(str, row)) for row in connection.exec_driver_sql(query))

    def follow(self, block: Block) -> str | None:
        """Do what one block says; return what came of it."""
        if block.what == "shown":
            assert (self.folder / str(block.path)).read_text(encoding="utf-8") == block.text
        elif block.what == "changed":
            path = self.folder / str(block.path)
            path.write_text(changed(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")
        elif block.kind == "sh":
            return self.run(block.text)
        elif block.kind == "sql":
            return self.ask(block.text)
        return None

    def backfill_in_airflow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Start what `daybreak local up` starts, but for the demonstration; see the DAG there, and backfill as told."""
        [(first, last)] = [map(date.fromisoformat, days) for days in BACKFILL.findall(page())]
        monkeypatch.setenv("PYTHONPATH", self.python_path)
        settings = Settings(
            home=self.home, project=self.folder, warehouse_url=self.url, registry_url=self.url, port=free_port()
        )
        own = EmbeddedPostgres(self.home)
        try:
            with LocalAirflow(settings, own, dags=["churn"], schedules=False) as airflow:
                airflow.api.unpause("churn")
                runs = airflow.api.backfill("churn", first, last, reprocess="completed")
                *_, ended = airflow.api.follow(runs, timeout=LONG)
                http = AirflowHttp(airflow.api.url, USER, airflow.password)
                shown = http.send("GET", "/api/v2/dags/churn/details")
                http.close()
        finally:
            own.release()
        tasks = dict.fromkeys(["plan", "extract", "validate", "score", "publish"], "success")
        assert [(run.state, run.run_type, dict(run.tasks)) for run in ended] == [("success", "backfill", tasks)] * 3
        assert shown["dag_display_name"] == "Churn"
        assert shown["doc_md"].startswith("How likely churn is Yes for each customer_id.\n\n")


def words(line: str) -> list[str]:
    return re.sub(r"[─│]", " ", line).split()


def matches(promised: list[str], printed: list[str]) -> bool:
    """Compare word by word: … is any word, and a fraction may differ as it does from one processor to another."""

    def agrees(one: str, other: str) -> bool:
        if re.fullmatch(r"\d+\.\d{3}", one) and re.fullmatch(r"\d+\.\d{3}", other):
            return abs(float(one) - float(other)) < 0.02
        return one in ("…", other)

    return len(promised) == len(printed) and all(map(agrees, promised, printed))


def assert_printed(promised: str, printed: str) -> None:
    """Find the lines of the page among the printed ones, in their order."""
    rest = iter([words(line) for line in printed.splitlines()])
    for line in filter(None, map(words, promised.splitlines())):
        assert any(matches(line, found) for found in rest), f"{' '.join(line)}\nis not in\n{printed}"


@pytest.fixture
def reader(new_database: NewDatabase, tmp_path: Path) -> Iterator[Reader]:
    with short_lived() as home:
        yield Reader(tmp_path / "daybreak", home, new_database())


def test_the_page_has_every_kind_of_step() -> None:
    found = list(blocks())
    assert {block.kind for block in found} == {"sh", "text", "python", "diff", "sql", "console"}
    assert [block.path for block in found if block.what == "shown"] == [
        "include/retail/churn.py",
        "sql/churn/extract.sql",
    ]
    [declared] = [block.text for block in found if block.kind == "python" and block.what == "shown"]
    [change] = [block.text for block in found if block.kind == "diff"]
    assert len(changed(declared, change).splitlines()) <= 40
    assert len({b.path for b in found if b.kind == "sql" and b.path}) == 1


@pytest.mark.skipif(TELCO is None, reason="needs IBM's Telco data at ../shared/data/telco_churn/telco_churn.csv")
def test_the_page_is_followed_word_for_word_on_the_real_data(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(str(TELCO), reader.folder / "telco_churn.csv")
    came = None
    for block in blocks():
        if block.kind == "text":
            assert came is not None, block.text
            assert_printed(block.text, came)
        elif block.kind == "console":
            reader.backfill_in_airflow(monkeypatch)
        else:
            came = reader.follow(block)

    assert reader.ask("SELECT count(*) FROM predictions.churn") == str(6 * 5_045 + 398)


@pytest.mark.skipif(TELCO is not None, reason="the page is followed on the real data, by the same steps")
def test_the_page_is_followed_on_a_made_table(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    telco(reader.folder / "telco_churn.csv", 5_054)
    for block in blocks():
        if block.kind == "console":
            reader.backfill_in_airflow(monkeypatch)
        else:
            reader.follow(block)
    assert reader.ask("SELECT count(*), count(DISTINCT run_id) FROM predictions.churn") == f"{6 * 5_045 + 400} | 7"
