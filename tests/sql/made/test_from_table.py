"""A pipeline made by `daybreak new --from-table`: weekly sales by docs/pipeline-on-a-table.md, and other tables."""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from command_line import Daybreak
from company_sales import DEPARTMENTS, STORES, sales
from daybreak.declaration.cadence import Week
from daybreak.declaration.partition import Calendar
from daybreak.run.plan import query_binds
from daybreak.settings import PROJECT, Settings
from daybreak.sources.queries import Queries
from daybreak.workspace import Workspace

PAGE = (PROJECT / "docs" / "pipeline-on-a-table.md").read_text()
[TABLE] = re.findall(r"<!-- table -->\n```sql\n(.*?)```", PAGE, re.S)
COMMANDS = [
    line for block in re.findall(r"<!-- commands -->\n```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()
]
# The newest week of the page's commands.
NEWEST = date(2026, 11, 15)


class Company:
    """The company's database, and the commands that are run on it."""

    def __init__(self, settings: Settings, daybreak: Daybreak) -> None:
        self.run = daybreak
        self.workspace = Workspace(settings)

    def rows(self, statements: str) -> list[tuple[Any, ...]]:
        with self.workspace.warehouse.begin() as connection:
            found = connection.exec_driver_sql(statements.replace("%", "%%"))
            return [tuple(row) for row in found] if found.returns_rows else []

    def queries(self, pipeline: str) -> tuple[Queries, Calendar]:
        declared = self.workspace.pipeline(pipeline)
        return self.workspace.queries(declared), declared.calendar

    def read(self, pipeline: str, query: str, binds: dict[str, Any]) -> list[dict[str, Any]]:
        queries, _ = self.queries(pipeline)
        queries.check(query, binds)
        with queries.stream(query, binds) as (_, reader):
            found: list[dict[str, Any]] = reader.read_all().to_pylist()
        return found

    def done(self, *arguments: object) -> str:
        code, out, err = self.run(*arguments)
        assert code == 0, err
        return out


@pytest.fixture
def company(settings: Settings, daybreak: Daybreak) -> Iterator[Company]:
    made = Company(settings, daybreak)
    yield made
    made.workspace.close()


def test_weekly_sales_are_trained_run_backfilled_and_measured_by_the_page(company: Company, settings: Settings) -> None:
    last = Calendar("America/New_York", Week(starts="sunday")).last_complete(datetime.now(UTC)).first_day
    company.rows(TABLE)
    company.rows(sales(last))
    before = company.rows("SELECT count(*), sum(weekly_sales) FROM company.weekly_sales")
    said = {}
    for command in COMMANDS:
        # The days of the page are as long before its newest week as those of the test are before theirs.
        of_now = re.sub(r"\d{4}-\d{2}-\d{2}", lambda day: str(date.fromisoformat(day[0]) + (last - NEWEST)), command)
        program, *arguments = shlex.split(of_now)
        assert program == ".venv/bin/daybreak"
        said[arguments[0]] = company.done(*arguments)
    assert (
        f"company.weekly_sales: 37,800 rows of 270 keys and 140 weeks, {last - timedelta(weeks=139)} to" in said["new"]
    )
    assert "target: amounts" in said["new"]
    written = re.findall(r"^  (\S+)  \((\d+) lines\)$", said["new"], re.M)
    assert f"Written:\n{''.join(f'  {path}  ({lines} lines){chr(10)}' for path, lines in written)}" in PAGE.replace(
        "include/retail", "include/telephony"
    )
    assert f"  daybreak run weekly_sales --partition {last}\n" in said["new"]
    for path, shown in re.findall(r"<!-- shown: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.S):
        assert (settings.project / path.replace("retail", "telephony")).read_text().strip() == shown.strip()

    assert "weekly_sales version 1" in said["train"]
    weeks = "SELECT partition_date, count(DISTINCT (store, dept)) FROM predictions.weekly_sales GROUP BY 1 ORDER BY 1"
    whole = STORES * DEPARTMENTS
    assert company.rows(weeks) == [(last - timedelta(weeks=back), whole) for back in range(7, -1, -1)]
    assert company.rows("SELECT min(predicted_weekly_sales) < 10000 FROM predictions.weekly_sales") == [(True,)]
    measured = "SELECT partition_key FROM ledger.performance WHERE metric = 'rmse' AND segment_by = '' ORDER BY 1"
    # What the week after the newest one brings is not known.
    assert company.rows(measured) == [(str(last - timedelta(weeks=back)),) for back in range(7, 0, -1)]
    assert company.rows("SELECT count(*), sum(weekly_sales) FROM company.weekly_sales") == before


_VISITS = """
CREATE SCHEMA "select";
CREATE TABLE "select".visits ("Größe" uuid, at timestamptz NOT NULL, outcome text, spent float8, n integer,
    "Wie?" text);
INSERT INTO "select".visits
SELECT md5(member::text)::uuid, (date '{last}' - back) + time '09:30',
    CASE WHEN (member + back) % 7 < 2 THEN 'it''s' ELSE 'no' END, member + back, (member * 3 + back) % 7 + back % 5,
    CASE WHEN back = 0 AND member = 1 THEN 'only now'
        ELSE (ARRAY['it''s "so"', 'über ', '盗'])[1 + (member + back / 2) % 3] END
FROM generate_series(1, 6) AS members (member), generate_series(0, 79) AS days (back)
"""


@pytest.mark.parametrize(
    ("target", "column", "metric"),
    [
        ("outcome", "outcome_probability", "log_loss"),
        ("n", "predicted_n", "rmse"),
        ("Wie?", "predicted_wie", "log_loss"),
    ],
)
def test_days_of_two_classes_of_counts_and_of_several_classes(
    company: Company, target: str, column: str, metric: str
) -> None:
    last = datetime.now(UTC).date() - timedelta(days=1)
    company.rows(_VISITS.format(last=last))
    company.done(
        *("new", "visits", "--from-table", '"select".visits', "--key", "Größe", "--target", target, "--time", "at"),
        *(("--measures", "counts") if target == "n" else ()),
    )
    company.done("train", "visits")
    company.done("run", "visits")
    company.done("backfill", "visits", last - timedelta(days=3), last - timedelta(days=1), "--missing")
    company.done("measure", "visits")
    shown = f"SELECT partition_date, count({column}) FROM predictions.visits GROUP BY 1 ORDER BY 1"
    assert company.rows(shown) == [(last - timedelta(days=back), 6) for back in (3, 2, 1, 0)]
    measured = f"SELECT count(*) FROM ledger.performance WHERE metric = '{metric}' AND segment_by = ''"
    assert company.rows(measured) == [(3,)]


_KINDS = """
CREATE TABLE company.kinds AS
SELECT 'k' || key AS "user", {time} AS "Told", (key * 10 + back % 7)::real AS value, 1 AS more
FROM generate_series(1, 2) AS keys (key), generate_series(0, {number} - 1) AS past (back)
"""
_ZONE = "SET LOCAL TIME ZONE 'Europe/Paris'"


@pytest.mark.parametrize(
    ("every", "time", "number", "partition", "first"),
    [
        ("hour", "timestamptz '2026-11-27 10:20+01' - back * interval '1 hour'", 900, "2026-11-27T10", "2026-11-27T09"),
        ("hour", "timestamp '2026-11-27 10:20' - back * interval '1 hour'", 900, "2026-11-27T10", "2026-11-27T09"),
        ("day", "timestamptz '2026-11-27 23:50+01' - back * interval '1 day'", 800, "2026-11-27", "2026-11-26"),
        ("day", "timestamp '2026-11-27 00:00' - back * interval '1 day'", 60, "2026-11-27", "2026-11-26"),
        ("day", "date '2026-11-27' - back", 60, "2026-11-27", "2026-11-26"),
        # Dated on the first day of their week, at an instant of it, and on any of its days.
        ("week", "date '2026-11-18' - back * 7", 120, "2026-11-18", "2026-11-11"),
        ("week", "timestamptz '2026-11-18 00:00+01' - back * interval '7 days'", 40, "2026-11-18", "2026-11-11"),
        ("week", "date '2026-11-22' - back * 7 - back % 4", 40, "2026-11-16", "2026-11-09"),
        ("month", "(date '2026-10-01' - back * interval '1 month')::date", 40, "2026-10", "2026-09"),
        ("month", "(date '2026-10-01' - back * interval '1 month')", 30, "2026-10", "2026-09"),
        ("month", "(date '2026-10-31' - back * interval '1 month')::date", 30, "2026-10", "2026-09"),
    ],
)
def test_each_cadence_and_type_of_time_gives_features_and_what_followed(
    company: Company, every: str, time: str, number: int, partition: str, first: str
) -> None:
    company.rows(f"CREATE SCHEMA company; {_ZONE};" + _KINDS.format(time=time, number=number))
    company.done(
        *("new", "kinds", "--from-table", "company.kinds", "--key", "user", "--target", "value", "--time", "Told"),
        *("--every", every, "--timezone", "Europe/Paris", "--measures", "amounts"),
    )
    queries, calendar = company.queries("kinds")
    newest, before = calendar.partition(partition), calendar.partition(first)
    assert queries.coverage(query_binds(newest)).last_day("Europe/Paris") == newest.last_day
    features = company.read("kinds", "extract", query_binds(before))
    assert [row["user_value"] for row in features] == ["k1", "k2"]
    this = f"this_{every}"
    # The newest rows are those of nothing back, the partition before them is one back.
    assert [row[this] for row in features] == [11, 21]
    followed = company.read("kinds", "actuals", query_binds(before))
    assert [(row["user_value"], row["actual"]) for row in followed] == [("k1", 10), ("k2", 20)]
    training = company.read("kinds", "training", query_binds(before))
    assert [row["next_value"] for row in training[-2:]] == [10, 20]
    # No later row is read.
    company.rows(f"{_ZONE}; DELETE FROM company.kinds WHERE \"Told\"::timestamptz >= '{newest.start}'")
    assert company.read("kinds", "extract", query_binds(before)) == features


_ODD = """
CREATE SCHEMA company;
CREATE TABLE company.odd (k integer, day date, at time, amount numeric, code integer, kind text, same integer,
    nothing float8, endless float8, doc jsonb);
INSERT INTO company.odd
SELECT key, date '2026-01-01' + back, time '10:00', key + back + 0.5, back % 3, 'kind ' || back % 3, 7, NULL,
    CASE WHEN back = 3 THEN 'infinity'::float8 ELSE back END, '{}'
FROM generate_series(1, 2) AS keys (key), generate_series(0, 39) AS days (back);
CREATE TABLE company.empty (LIKE company.odd);
CREATE VIEW company.double AS SELECT * FROM company.odd UNION ALL SELECT * FROM company.odd WHERE day < '2026-01-04';
CREATE VIEW company.gaps AS
SELECT nullif(k, 2) AS k, k AS n, CASE WHEN k = 1 THEN day END AS day, amount FROM company.odd;
CREATE VIEW company.short AS SELECT * FROM company.odd WHERE day < '2026-01-16';
"""
_RIGHT = {"--from-table": "company.odd", "--key": "k", "--target": "amount", "--time": "day"}


def test_what_cannot_be_predicted_from_is_refused_and_nothing_is_written(company: Company, settings: Settings) -> None:
    company.rows(_ODD)
    before = sorted(settings.project.rglob("*"))
    for changed, problem in (
        ({"--from-table": "company.od"}, "no table company.od in the warehouse. Next: is it company.odd? Say so with"),
        ({"--from-table": "odd"}, "no table odd in the warehouse. Next: "),
        ({"--from-table": "company.empty"}, "Table company.empty holds no rows."),
        (
            {"--from-table": "company.double"},
            "6 times there is more than one row of the same k and day in company",
        ),
        ({"--from-table": "company.double"}, "for example of 1, 2026-01-01. Next: "),
        ({"--from-table": "company.gaps"}, "40 of the 80 rows of company.gaps have no k."),
        ({"--from-table": "company.gaps", "--key": "n"}, "40 of the 80 rows of company.gaps have no day."),
        ({"--from-table": "company.short"}, "amount is known in 15 days of company.short; at least 20 are needed"),
        ({"--every": "year"}, "There is no `--every year`."),
        ({"--key": "K_"}, "Table company.odd has no column K_. Next: "),
        ({"--key": "doc"}, "Column doc is jsonb, which tells no rows apart."),
        ({"--time": "at"}, "Column at is time without time zone, which is no time."),
        ({"--time": "dya"}, "has no column dya. Next: is it day? Say so with `--time`."),
        ({"--every": "hour"}, "Column day is a date, which tells of no hour."),
        ({"--every": "week"}, "there is more than one row of the same k and week in company.odd"),
        ({"--target": "k"}, "Column k is named as more than one of key, target and time."),
        ({"--target": "doc"}, "Column doc is jsonb, which cannot be predicted."),
        ({"--target": "nothing"}, "nothing is null in every row of company.odd."),
        ({"--target": "endless"}, "2 of the 80 rows of company.odd have a endless that is infinite"),
        ({"--target": "same"}, "same is 7 in every row of company.odd; there is nothing to predict."),
        ({"--target": "kind", "--measures": "counts"}, "kind is no number. Next: leave `--measures` out."),
        (
            {"--target": "code"},
            "code has 3 different whole numbers, which may be codes or counts. Next: say",
        ),
        ({"--positive": "x"}, "of which none can be the positive one of two."),
        ({"--measures": "size"}, "There is no `--measures size`."),
        ({"--timezone": "Mars/Olympus"}, "There is no time zone 'Mars/Olympus'."),
        ({"--as-of": "2026-01-01"}, "A table takes no option of a CSV file."),
        ({"--history": "known.csv"}, "no pipeline is made of two tables. Next: write its queries by hand"),
    ):
        options = [word for option in (_RIGHT | changed).items() for word in option]
        code, out, err = company.run("new", "odd_one", *options)
        assert (code, out) == (1, ""), changed
        assert problem in err, (changed, err)
        assert err.count("\n") == 1
        assert "Next: " in err
    for options, problem in (
        (("--from-table", "company.odd"), "Nothing says of when a row of the table is."),
        ((), "No source is named."),
    ):
        code, _, err = company.run("new", "odd_one", "--key", "k", "--target", "amount", *options)
        assert (code, problem in err) == (1, True), err
    options = [word for option in _RIGHT.items() for word in option]
    assert "Would write:\n  include/telephony/odd_one.py" in company.done("new", "odd_one", *options, "--dry-run")
    assert sorted(settings.project.rglob("*")) == before
    code, proposed, err = company.run("new", "odd_one", "--from-table", "company.odd", "--yes", "--dry-run")
    assert (code, "have a endless that is infinite" in err) == (1, True)
    for line in (
        "Which column of company.odd says of when a row is? day: the only column of a date or time, a date.",
        "Which columns tell the rows of one day apart? k: with day no two rows are the same.",
        "Which column is to be predicted? endless: the last number besides key and time.",
        "How long is a partition, whose next one is predicted? day: most of its times are 1 day apart.",
    ):
        assert line in proposed
    assert sorted(settings.project.rglob("*")) == before


_WEEKLY = """
CREATE SCHEMA company;
CREATE TABLE company.weekly AS
SELECT k, date '2026-01-05' + 7 * n AS day, (n * 7919 + k) % 100 / 3.0 AS amount, k * 10.5 AS area
FROM generate_series(1, 3) AS keys (k), generate_series(0, 29) AS weeks (n);
"""


def test_what_is_hardly_meant_is_said_and_is_not_proposed(company: Company) -> None:
    company.rows(_WEEKLY)
    new = ("new", "odd_one", "--from-table", "company.weekly", "--dry-run")
    said = company.done(*new, "--key", "k", "--target", "area", "--time", "day", "--every", "day")
    assert "Warning: most of its times are 7 days apart, so most days have no row and their runs are refused." in said
    assert "Next: `--every week`, if that is what is predicted." in said
    unsaid = company.done(*new, "--key", "k", "--target", "area", "--time", "day")
    assert re.search(r"\d+ weeks, ", unsaid), unsaid
    assert "have no row" not in unsaid
    assert "Warning: area never changes for the same k: its last value is all there is to know." in said
    proposed = company.done(*new, "--yes")
    assert "the last number that changes besides key and time" in proposed
    assert re.search(r"amount .*target: ", proposed)
    assert "Warning" not in proposed
