"""A later file over an earlier one: what it changes is said, what it would take away is refused, and types stay."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csv_files import write
from daybreak.errors import DaybreakError, SourceRefused
from daybreak.starting.csv_file import read_csv, read_texts, with_types
from daybreak.starting.csv_for_table import for_table
from daybreak.starting.csv_format import asked_format
from daybreak.tables.source_table import Difference, load_rows, source_schema
from daybreak.warehouse.database import Warehouse
from nasty_csv import files as nasty_files
from parcels import NewDatabase

FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 4)
HEADER = "member,release,months,paid,fee,since,left_us"
ROWS = [f"M{n:02d},{n % 7}.1.{n % 2},{n},{n % 3 == 0},{n}.5,2024-02-{n % 28 + 1:02d},No" for n in range(40)]


class Files:
    """Files that are loaded one after the other into a table of their own."""

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        self.warehouse = warehouse
        self.folder = folder
        self.announced: list[Difference] = []

    def load(
        self, rows: list[str], day: date = FIRST, header: str = HEADER, keys: tuple[str, ...] = ("member",), **how: Any
    ) -> Difference:
        path = write(self.folder / "file.csv", header, rows)
        asked = asked_format(**how.pop("asked", {}))
        schema = source_schema(self.warehouse, "members")
        if schema is None:
            file = read_csv(path, keys, asked)
        else:
            widen = how.get("widen", False)
            file = for_table(read_texts(path, keys, asked), "sources.members", schema, target="left_us", widen=widen)
        announced = self.announced.append
        return load_rows(
            self.warehouse,
            "members",
            file.rows,
            day,
            key=file.keys,
            originals=file.originals,
            announce=announced,
            **how,
        )

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.warehouse.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    def count(self) -> dict[date, int]:
        return dict(self.ask("SELECT as_of, count(*) FROM sources.members GROUP BY 1"))


@pytest.fixture
def files(new_database: NewDatabase, tmp_path: Path) -> Iterator[Files]:
    warehouse = Warehouse(new_database())
    yield Files(warehouse, tmp_path)
    warehouse.close()


def test_it_is_said_how_many_keys_leave_come_and_change(files: Files) -> None:
    assert files.load(ROWS) == Difference(40)
    later = [*ROWS[2:38], ROWS[38].replace(",No", ",Yes"), ROWS[39].replace("No", ""), "M90,1,1,true,1,2024-01-01,No"]
    changed = Difference(39, FIRST, before=40, leave=2, come=1, change=2)
    assert files.load(later) == changed
    assert files.announced[-1] == changed
    assert files.load(later) == Difference(39, FIRST, before=39)
    # Of another day nothing is taken away: what the newest day before it tells is compared.
    assert files.load(ROWS[:1], SECOND) == Difference(1, FIRST, before=39, leave=39, come=1)
    assert files.count() == {FIRST: 39, SECOND: 1}


PLANNED = "SELECT reltuples::int FROM pg_class WHERE oid = 'sources.members'::regclass"


def test_queries_are_planned_for_the_rows_that_were_loaded(files: Files) -> None:
    files.load(ROWS)
    assert files.ask(PLANNED) == [(40,)]
    files.load(ROWS, SECOND)
    assert files.ask(PLANNED) == [(80,)]


def test_a_table_that_somebody_cleans_up_meanwhile_is_loaded(files: Files, capfd: pytest.CaptureFixture[str]) -> None:
    files.load(ROWS)
    with files.warehouse.begin() as cleaning:
        # The lock that VACUUM holds.
        cleaning.exec_driver_sql("LOCK TABLE sources.members IN SHARE UPDATE EXCLUSIVE MODE")
        files.load(ROWS, SECOND)
    assert files.count() == {FIRST: 40, SECOND: 40}
    assert capfd.readouterr() == ("", "")


def test_rows_are_loaded_into_a_table_of_somebody_elses(files: Files, capfd: pytest.CaptureFixture[str]) -> None:
    files.load(ROWS)
    name = f"loads_{files.warehouse.url.database}"
    files.ask(f"CREATE ROLE {name} LOGIN")
    files.ask(f"GRANT USAGE ON SCHEMA sources TO {name}")
    files.ask(f"GRANT SELECT, INSERT, DELETE ON sources.members TO {name}")
    theirs = Warehouse(files.warehouse.url.set(username=name).render_as_string(hide_password=False))
    try:
        Files(theirs, files.folder).load(ROWS, SECOND)
    finally:
        theirs.close()
        files.ask(f"DROP OWNED BY {name}")
        files.ask(f"DROP ROLE {name}")
    assert files.count() == {FIRST: 40, SECOND: 40}
    assert capfd.readouterr() == ("", "")


def test_a_file_that_would_take_more_than_a_tenth_of_the_keys_away_is_refused(files: Files) -> None:
    files.load(ROWS)
    with pytest.raises(SourceRefused) as refused:
        files.load(ROWS[5:], to_replace="do that")
    assert str(refused.value) == (
        "5 of the 40 keys that sources.members has as of 2026-03-02 are not in the file; nothing was changed. "
        "Next: see whether the file is whole, and of that day (`--as-of`); if it is right, do that."
    )
    assert files.announced[-1].leave == 5
    assert files.count() == {FIRST: 40}
    assert files.load(ROWS[4:]).leave == 4
    assert files.load(ROWS[20:], replace=True).leave == 16
    assert files.count() == {FIRST: 20}


def test_a_compound_key_counts_as_one(files: Files) -> None:
    rows = [f"{n % 4},{n},{n}" for n in range(20)]
    keys = ("store", "sku")
    files.load(rows, header="store,sku,sold", keys=keys)
    assert files.load([*rows[:19], "2,19,19"], header="store,sku,sold", keys=keys) == Difference(
        20, FIRST, before=20, leave=1, come=1
    )
    with pytest.raises(SourceRefused, match=r"told apart by sku, store, and those of the file by sku\."):
        files.load(rows, header="store,sku,sold", keys=("sku",))


def test_the_tables_types_decide_how_a_later_file_is_read(files: Files) -> None:
    files.load(ROWS)
    files.load(["M00,1.10,28.0,TRUE,7,2024-01-01,Yes", "M01,007,1,0,1e2,,true", "M02,NA,NA,NA,NA,NA,NA"], SECOND)
    assert files.ask(f"SELECT * FROM sources.members WHERE as_of = '{SECOND}' ORDER BY 1") == [
        ("M00", "1.10", 28, True, 7.0, date(2024, 1, 1), "Yes", SECOND),
        ("M01", "007", 1, False, 100.0, None, "true", SECOND),
        ("M02", "NA", None, None, None, None, "NA", SECOND),
    ]


@pytest.mark.parametrize(
    ("row", "said", "step"),
    [
        ("M1,1,2.5,true,1,2024-01-01,No", "column months holds '2.5', and months of", "with `--widen`"),
        ("M1,1,012,true,1,2024-01-01,No", "column months holds '012', and months of", "--empty 012"),
        ("M1,1,9999999999999999999,true,1,2024-01-01,No", "months of sources.members is a whole", "--empty 99"),
        ("M1,1,many,true,1,2024-01-01,No", "months of sources.members is a whole number", "--empty many"),
        ("M1,1,1,yes,1,2024-01-01,No", "paid of sources.members is true or false", "--empty yes"),
        ('M1,1,1,true,"1,50",2024-01-01,No', "column fee holds '1,50'", "`--decimal` and `--thousands`"),
        ("M1,1,1,true,1,01.02.2024,No", "column since holds '01.02.2024', and since of", "--empty 01.02.2024"),
        ("M1,1,1,true,1,2024-02-30,No", "since of sources.members is a day, as YYYY-MM-DD", "mend the file"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_line_column_and_value(
    row: str, said: str, step: str, files: Files
) -> None:
    files.load(ROWS)
    with pytest.raises(SourceRefused) as refused:
        files.load([*ROWS[:3], row], SECOND)
    message = str(refused.value)
    assert message.startswith("file.csv, line 5: column ")
    assert said in message
    assert step in message
    assert files.count() == {FIRST: 40}


def test_decimals_of_another_country_are_read_by_the_tables_types(files: Files) -> None:
    files.load(ROWS)
    rows = ["M1;1,10;3;true;1.234,5;2024-01-01;No", "M2;1,1;1.000;false;2;2024-01-01;No"]
    files.load(rows, SECOND, header=HEADER.replace(",", ";"))
    found = files.ask(f"SELECT release, months, fee FROM sources.members WHERE as_of = '{SECOND}' ORDER BY 1")
    assert found == [("1,1", 1000, 2.0), ("1,10", 3, 1234.5)]


def test_keys_that_are_one_by_the_tables_types_are_refused(files: Files) -> None:
    files.load([f"{n},Yes" for n in range(9)], header="member,left_us")
    with pytest.raises(SourceRefused, match=r"1 values of member occur more than once in file.csv, for example 7"):
        files.load(["7,Yes", "7.0,No"], SECOND, header="member,left_us")
    with pytest.raises(SourceRefused, match=r"1 of 2 rows of file.csv have no member, the first on line 3"):
        files.load(["7,Yes", "NA,No"], SECOND, header="member,left_us")


def test_a_target_that_nobody_knows_yet_may_be_missing_or_empty(files: Files) -> None:
    files.load(ROWS)
    short = HEADER.removesuffix(",left_us")
    files.load([row.removesuffix(",No") for row in ROWS[:3]], SECOND, header=short)
    files.load([row.removesuffix("No") for row in ROWS[:2]], date(2026, 3, 5))
    assert files.ask("SELECT as_of, count(*), count(left_us) FROM sources.members GROUP BY 1 ORDER BY 1") == [
        (FIRST, 40, 40),
        (SECOND, 3, 0),
        (date(2026, 3, 5), 2, 0),
    ]
    with pytest.raises(SourceRefused, match=r"file.csv lacks fee, left_us, compared with|file.csv lacks fee, "):
        files.load(["M1,1,1,true,2024-01-01"], SECOND, header="member,release,months,paid,since")


def test_a_table_is_widened_in_one_step(files: Files) -> None:
    files.load(ROWS)
    header, rows = f"{HEADER},Club Card", [f"{row},gold".replace(",3,", ",3.5,") for row in ROWS]
    with pytest.raises(SourceRefused, match=r"also has Club Card, compared with .* Next: .* with `--widen`\."):
        files.load(rows, SECOND, header=header)
    files.load(rows, SECOND, header=header, widen=True)
    assert files.ask(
        f"SELECT count(*), sum(months), count(club_card) FROM sources.members WHERE as_of = '{SECOND}'"
    ) == [(40, sum(range(40)) + 0.5, 40)]
    assert files.ask(f"SELECT sum(months), count(club_card) FROM sources.members WHERE as_of = '{FIRST}'") == [
        (sum(range(40)), 0)
    ]
    assert files.ask("SELECT col_description('sources.members'::regclass, attnum) FROM pg_attribute "
                     "WHERE attrelid = 'sources.members'::regclass AND attname = 'club_card'") == [
        ("Column Club Card of the file.",)
    ]  # fmt: skip


def test_a_column_is_not_widened_where_it_would_lose_digits(files: Files) -> None:
    files.load(["M1,9007199254740993,No"], header="member,months,left_us")
    with pytest.raises(SourceRefused, match=r"months of sources.members holds 9007199254740993, which would lose"):
        files.load(["M1,1.5,No"], SECOND, header="member,months,left_us", widen=True)


@pytest.mark.parametrize(
    ("change", "value", "stored"),
    [("numeric", "12345678901234567.89", "12345678901234567.89"), ("integer", "7", "7"), ("jsonb", "1.50", "1.50")],
)
def test_a_table_whose_type_was_changed_is_loaded_by_that(change: str, value: str, stored: str, files: Files) -> None:
    files.load(ROWS)
    files.ask(f"ALTER TABLE sources.members ALTER months TYPE {change} USING months::text::{change}")
    files.load([f"M00,1,{value},true,1,2024-01-01,No", *ROWS[1:]])
    assert files.ask("SELECT months::text FROM sources.members WHERE member = 'M00'") == [(stored,)]
    if change != "jsonb":
        with pytest.raises(SourceRefused, match="line 2: column months holds 'x'"):
            files.load(["M00,1,x,true,1,2024-01-01,No"], SECOND)
    else:
        with pytest.raises(DaybreakError, match="invalid input syntax for type json"):
            files.load(["M00,1,x,true,1,2024-01-01,No"], SECOND)


# 300 files, of which each but the first of five goes over what those before it have left.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(nasty_files(), min_size=5, max_size=5), widen=st.booleans())
def test_any_files_are_loaded_one_over_the_other_or_refused(contents: list[bytes], widen: bool, files: Files) -> None:
    files.ask("DROP TABLE IF EXISTS sources.members")
    path = files.folder / "nasty.csv"
    for content in contents:
        path.write_bytes(content)
        before = files.count() if source_schema(files.warehouse, "members") else {}
        try:
            schema = source_schema(files.warehouse, "members")
            read = read_texts(path, ["key"])
            how = {"target": "target", "widen": widen}
            file = for_table(read, "sources.members", schema, **how) if schema else with_types(read)
            loading = {"key": file.keys, "originals": file.originals, "widen": widen}
            load_rows(files.warehouse, "members", file.rows, FIRST, **loading)
        except DaybreakError as error:
            refused: DaybreakError | None = error
        else:
            refused = None
        if refused is None:
            assert files.count() == {FIRST: file.rows.num_rows}
        else:
            assert refused.next_step
            assert "\n" not in str(refused)
            assert before == (files.count() if source_schema(files.warehouse, "members") else {})


CASES = next((found for parent in Path(__file__).parents if (found := parent / "shared/cases").is_dir()), None)


@pytest.mark.skipif(CASES is None, reason="needs the cases at ../shared/cases")
def test_a_release_stays_the_text_that_it_was(files: Files) -> None:
    for name, day in (("release_first.csv", FIRST), ("release_second.csv", SECOND)):
        header, *rows = (CASES / name).read_text().splitlines()
        files.load(rows, day, header=header)
    assert files.ask(f"SELECT count(*) > 0 FROM sources.members WHERE release = '1.10' AND as_of = '{SECOND}'") == [
        (True,)
    ]
