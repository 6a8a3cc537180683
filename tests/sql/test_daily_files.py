"""A folder with one CSV file a day is scored without being loaded, by what docs/daily-files.md says."""

import csv
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import PartitionRefused, SourceNotLanded, SourceRefused
from daybreak.run.backfill import choose_partitions
from daybreak.run.outcome import Outcome
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.settings import PROJECT
from daybreak.training.train import train
from daybreak.workspace import Workspace
from parcels import NewDatabase, make_project, make_settings

SALES = next((f for p in PROJECT.parents if (f := p / "shared/data/online_retail/by_day_csv.tar.gz").is_file()), None)
PAGE = (PROJECT / "docs" / "daily-files.md").read_text()
COMMANDS = re.findall(r"^daybreak .*$", PAGE.split("<!-- commands -->")[1], re.M)
[THROUGH] = re.findall(r"train customer_return --through (\S+)", "\n".join(COMMANDS))
DAY = date(2011, 6, 10)
pytestmark = pytest.mark.skipif(SALES is None, reason="needs the sales at ../shared/data/online_retail")


def block(file: str) -> str:
    """Return what the page says to write into a file."""
    found = re.search(rf"^`{re.escape(file)}`[^\n]*:\n\n```\w+\n(.*?)^```", PAGE, re.M | re.S)
    assert found, file
    return found[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert SALES
    made = tmp_path_factory.mktemp("online_retail")
    with tarfile.open(SALES) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # which Python has since 3.11.4
        archive.extractall(made)
    return made / "by-day"


class Shop:
    """The page's pipeline, over a folder of files."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        declared: dict[str, Any] = {}
        exec(block("include/shop/customer_return.py"), declared)
        self.pipeline: Pipeline = declared["CUSTOMER_RETURN"]
        self.workspace, self.folder = workspace, folder
        queries = workspace.sql(self.pipeline, "extract").parent
        queries.mkdir()
        for file, lines in re.findall(r"^  (\S+)  \((\d+) lines\)$", PAGE, re.M):
            written = block(file)
            assert len(written.splitlines()) == int(lines)
            if file.startswith("sql/"):
                (queries / file.rpartition("/")[2]).write_text(written)

    def run(self, day: date) -> Outcome:
        plan = plan_run(self.workspace, self.pipeline, Request(day.isoformat()))
        return Runner(self.workspace, self.pipeline).run(plan)

    def outdated(self) -> list[date]:
        """Return the days whose source has changed since they were published."""
        days = [self.pipeline.calendar.partition(f"{DAY + timedelta(days=n)}") for n in range(2)]
        found = choose_partitions(self.workspace, self.pipeline, days, ["outdated"])
        return [one.partition.first_day for one in found]

    def shown(self, day: date) -> dict[int, float]:
        with self.workspace.warehouse.begin() as connection:
            query = f"SELECT customer_id, returns FROM predictions.customer_return WHERE partition_date = '{day}'"
            return {row[0]: row[1] for row in connection.exec_driver_sql(query)}

    def customers(self, day: date) -> set[int]:
        """Find the customers that a day is to score, by reading the files another way."""
        orders: dict[int, set[str]] = defaultdict(set)
        for back in range(90):
            path = self.folder / f"{day - timedelta(days=back)}.csv"
            if path.exists():
                with path.open(newline="", encoding="utf-8") as file:
                    for line in csv.DictReader(file):
                        if line["CustomerID"] and not line["InvoiceNo"].startswith("C"):
                            orders[int(float(line["CustomerID"]))].add(line["InvoiceNo"])
        return set(orders)


@pytest.fixture
def shop(with_registry: str, new_database: NewDatabase, folder: Path, tmp_path: Path) -> Iterator[Shop]:
    settings = make_settings(tmp_path, make_project(tmp_path / "project"), new_database(with_registry))
    feed = {"feed": f"duckdb://{folder}"}
    workspace = Workspace(settings.model_copy(update={"source": type(settings)(source=feed).source}))
    yield Shop(workspace, folder)
    workspace.close()


def test_customers_are_scored_from_the_files_alone(shop: Shop) -> None:
    [(version, trained)] = train(shop.workspace, shop.pipeline, through=date.fromisoformat(THROUGH))
    assert version.trained_through.isoformat() == THROUGH
    assert trained.metrics["log_loss"] < trained.baseline["log_loss"]
    outcome = shop.run(DAY)
    wanted = shop.customers(DAY)
    assert set(shop.shown(DAY)) == wanted
    counts = outcome.counts
    assert (counts.rows_extracted, counts.rows_quarantined, counts.rows_failed) == (len(wanted), 0, 0)
    # There is no file of a Saturday, and its partition holds what the days before it do.
    saturday = DAY + timedelta(days=1)
    assert not (shop.folder / f"{saturday}.csv").exists()
    shop.run(saturday)
    assert set(shop.shown(saturday)) == shop.customers(saturday)
    with pytest.raises(PartitionRefused, match=r"Of the \d+ days that the query looks back on, \d+ are missing"):
        shop.run(date(2011, 2, 14))
    with pytest.raises(SourceNotLanded, match="its last day is 2011-09-30"):
        shop.run(date(2011, 10, 2))
    assert shop.outdated() == []
    # What is delivered again is read again; the other days stay as they are.
    file = shop.folder / f"{DAY}.csv"
    kept, before = file.read_bytes(), shop.shown(DAY)
    try:
        header, *lines = kept.splitlines(keepends=True)
        late = b"999999,22000,LATE,3,2011-06-10 10:00:00,1.25,99999.0,United Kingdom"
        file.write_bytes(b"".join([header, late + header[-1:], *lines[: len(lines) // 2]]))
        assert shop.outdated() == [DAY, saturday]
        shop.run(DAY)
        assert shop.outdated() == [saturday]
        assert 99999 in shop.shown(DAY)
        assert shop.shown(DAY).keys() != before.keys()
        file.write_bytes(header.replace(b"InvoiceNo,StockCode", b"StockCode,InvoiceNo"))
        with pytest.raises(
            SourceRefused, match=r"File 2011-06-10\.csv of source feed has its columns in another order"
        ):
            shop.run(DAY)
        assert 99999 in shop.shown(DAY)
    finally:
        file.write_bytes(kept)
