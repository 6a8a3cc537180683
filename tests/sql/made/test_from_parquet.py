"""A pipeline made by `daybreak new --from-parquet`: files are read where they are, trained on, run and measured."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from daybreak.settings import Settings

from .test_from_table import Company, company

__all__ = ["company"]
WEATHER = ("Föhn", "it's rain", "snow")


def weeks(last: date, count: int = 60) -> pa.Table:
    """Make weekly sales of twelve shops, of odd types and names, which fall from one week to the next."""
    rows = [(back, shop) for back in range(count) for shop in range(12)]
    return pa.table(
        {
            "Shop Nr": pa.array([shop for _, shop in rows], pa.int32()),
            "select": pa.array([last - timedelta(weeks=back) for back, _ in rows], pa.date32()),
            "Sales": pa.array([f"{40 + shop * 9 + back % 2 * 30}.25" for back, shop in rows]).cast(pa.decimal128(9, 2)),
            "Wetter": pa.array([WEATHER[(back + shop) % 3] for back, shop in rows]).dictionary_encode(),
        }
    )


@pytest.mark.parametrize(
    ("target", "column"), [("Sales", "predicted_sales"), ("Wetter", "predicted_wetter")], ids=["amounts", "classes"]
)
def test_weekly_files_are_trained_on_run_and_measured_where_they_are(
    target: str, column: str, company: Company, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date()
    last = today - timedelta(days=today.isoweekday() + 6)
    folder = tmp_path / "sales files"
    folder.mkdir()
    rows = weeks(last)
    pq.write_table(rows.slice(0, 240), folder / "new.parquet")
    pq.write_table(rows.slice(240), folder / "old.parquet")
    made = company.done(
        *("new", "weekly", "--from-parquet", folder, "--key", "shop nr", "--target", target, "--time", "select"),
        *("--every", "week"),
    )
    assert f"export DAYBREAK_SOURCE_WEEKLY='duckdb://{folder}'" in made
    assert "720 rows of 12 keys and 60 weeks" in made
    declared = (settings.project / "include" / "telephony" / "weekly.py").read_text()
    assert 'source="weekly",\n    files={"weekly": Files("*.parquet")},' in declared
    monkeypatch.setenv("DAYBREAK_SOURCE_WEEKLY", f"duckdb://{folder}")
    for command in (
        ("train", "weekly"),
        ("run", "weekly", "--partition", last),
        ("backfill", "weekly", last - timedelta(weeks=2), last - timedelta(weeks=1)),
        ("measure", "weekly"),
    ):
        company.done(*command)
    shown = f"SELECT partition_date, count({column}) FROM predictions.weekly GROUP BY 1 ORDER BY 1"
    assert company.rows(shown) == [(last - timedelta(weeks=back), 12) for back in (2, 1, 0)]
    metric = "rmse" if target == "Sales" else "log_loss"
    measured = f"SELECT count(*) FROM ledger.performance WHERE metric = '{metric}' AND segment_by = ''"
    assert company.rows(measured) == [(2,)]


def test_files_that_are_not_there_or_tell_of_no_time_are_refused(
    company: Company, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(weeks(date(2026, 10, 4)), tmp_path / "sales.parquet")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("DAYBREAK_SOURCE_FEED", f"duckdb://{tmp_path}")
    monkeypatch.setenv("DAYBREAK_SOURCE_OTHER", "postgresql://there/it")
    before = sorted(settings.project.rglob("*"))
    right = {"--key": "Shop Nr", "--target": "Sales", "--time": "select", "--every": "week"}
    for uri, changed, problem in (
        (tmp_path / "sale.parquet", {}, "There is no file sale.parquet in "),
        (tmp_path / "empty", {}, "There is no file *.parquet in "),
        (tmp_path / "gone" / "sales.parquet", {}, "Next: "),
        (tmp_path / "sales.csv", {}, "Next: name files that end in .parquet; a CSV file is `--from-csv`."),
        (tmp_path / "sales.parquet", {"--time": "Wetter"}, "Column Wetter is text, which is no time."),
        (tmp_path / "sales.parquet", {"--time": "Select_"}, "has no column Select_. Next: is it select?"),
        (tmp_path / "sales.parquet", {"--every": "hour"}, "tells of no hour"),
        ("sales.parquet", {"--source": "nobody"}, "Source nobody is not known. Next: set DAYBREAK_SOURCE_NOBODY"),
        ("sales.parquet", {"--source": "other"}, "Source other is no folder of files."),
        ("sales.parquet", {"--from-table": "a.b"}, "More than one source is named."),
    ):
        words = [word for option in (right | changed).items() for word in option]
        code, out, err = company.run("new", "weekly", "--from-parquet", uri, *words)
        assert (code, out, problem in err, "Next: " in err) == (1, "", True, True), err
        assert err.count("\n") == 1
    proposed = company.done(
        "new", "weekly", "--from-parquet", "sales.parquet", "--source", "feed", "--yes", "--dry-run"
    )
    assert "Which columns tell the rows of one select apart? Shop Nr: with select no two rows are the same." in proposed
    assert "week: most of its times are 7 days apart." in proposed
    assert sorted(settings.project.rglob("*")) == before
