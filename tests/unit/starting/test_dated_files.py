"""What `daybreak new --from-table` writes: files that pass lint, whatever the table and its columns are called."""

import ast
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from daybreak.declaration.cadence import CADENCES, Cadence, Week
from daybreak.errors import SourceRefused
from daybreak.run.plan import BINDS
from daybreak.starting.dated_files import render_dated
from daybreak.starting.dated_periods import Periods
from daybreak.starting.dated_rows import DatedRows
from daybreak.starting.dated_table import Column, DatedTable
from daybreak.starting.dated_target import told_target
from daybreak.warehouse.sql_file import load_sql
from generated_files import lint

HOSTILE = ['a "quoted" one', "it's :bound", 'line\n--"""break', "%s {x} $y", "select", "Größe", "week", "this_week", ""]


def table(target: Column, keys: tuple[str, ...] = ("Store Nr", "dept"), others: tuple[str, ...] = ()) -> DatedTable:
    return DatedTable(
        schema="My schema",
        name='no "name"',
        comment=None,
        keys=tuple(Column(key, "text", None) for key in keys),
        target=target,
        time=Column("Week Start", "date", None),
        others=tuple(Column(other, "text", None) for other in others),
    )


def rows(found: DatedTable, every: Cadence, **values: object) -> DatedRows:
    seen: dict[str, object] = {
        "distinct": 900,
        "least": Decimal("-150.25"),
        "greatest": Decimal(27_500),
        "whole": False,
    }
    return DatedRows(
        **{  # type: ignore[arg-type]
            "periods": Periods(every, found.time, dated_first=True),
            "rows": 37_800,
            "unknown": 0,
            "keys": 270,
            "partitions": 140,
            "first": date(2024, 3, 17),
            "last": date(2026, 11, 15),
            "frequent": None,
            **seen,
            **values,
        }
    )


def rendered(found: DatedTable, every: Cadence, positive: str | None = None, **values: object) -> dict[str, str]:
    seen = rows(found, every, **values)
    return render_dated("made", "retail", "Europe/Paris", found, seen, told_target(found, seen, positive, None))


SALES = Column("weekly_sales", "numeric", None)


def test_weekly_sales_are_a_declaration_of_forty_lines_four_queries_and_a_dag_of_five(tmp_path: Path) -> None:
    files = rendered(table(SALES, others=("promotion",)), Week(starts="sunday"))
    assert list(files) == [
        "include/retail/made.py",
        *(f"sql/made/{query}.sql" for query in ("features", "extract", "training", "actuals")),
        "dags/made.py",
    ]
    declaration = files["include/retail/made.py"]
    assert len(declaration.splitlines()) <= 40
    assert 'every=Week(starts="sunday"),' in declaration
    assert 'entity_key=("store_nr", "dept"),' in declaration
    assert """reads=EventTable(table='My schema.no "name"', day="Week Start", per="week"),""" in declaration
    assert "at the end of each week, from what the table held by then" in declaration
    assert 'prediction=Prediction("predicted_weekly_sales", low=-28_000, high=55_000),' in declaration
    assert "-- Left out: promotion." in files["sql/made/features.sql"]
    assert all(text.startswith("-- One row") for path, text in files.items() if path.endswith(".sql"))
    assert len(files["dags/made.py"].partition("\n")[2].splitlines()) == 5
    assert lint(files, tmp_path) == ""


def test_how_far_the_table_reaches_is_a_query_only_where_it_does_not_follow(tmp_path: Path) -> None:
    files = rendered(table(SALES), Week(starts="sunday"), unknown=3)
    assert "WHERE weekly_sales IS NOT NULL" in files["sql/made/coverage.sql"]
    assert "reads=" not in files["include/retail/made.py"]
    assert lint(files, tmp_path) == ""


@pytest.mark.parametrize("every", CADENCES.values(), ids=lambda every: str(every.word))
@pytest.mark.parametrize("kind", ["text", "integer", "double precision"])
def test_whatever_columns_are_called_the_files_pass_lint_and_bind_what_there_is(
    every: Cadence, kind: str, tmp_path: Path
) -> None:
    values: dict[str, object] = {
        "text": {"distinct": 2, "least": 'n"o', "greatest": "it's:yes", "frequent": 'n"o'},
        "integer": {"least": 0, "greatest": 10**30, "whole": True},
        "double precision": {"least": -1e300, "greatest": 1e-300},
    }[kind]  # type: ignore[assignment]
    found = table(Column('"""', kind, None), tuple(HOSTILE), tuple(HOSTILE))
    files = rendered(found, every, **values)  # type: ignore[arg-type]
    assert lint(files, tmp_path) == ""
    assert len(ast.parse(files["include/retail/made.py"]).body) == 5
    for path in files:
        if path.endswith(".sql"):
            sql = load_sql(tmp_path / path)
            sql.refuse_unknown_binds(BINDS)
            sql.refuse_more_than_a_query()


@pytest.mark.parametrize(
    ("kind", "values", "measures", "told"),
    [
        ("numeric", {}, None, ("amounts", "weekly_sales::double precision", "(-28_000, 55_000)")),
        ("integer", {"least": 0, "greatest": 80, "whole": True}, None, ("counts", None, "(0, 160)")),
        ("integer", {"least": 0, "greatest": 80, "whole": True}, "amounts", ("amounts", None, "(-80, 160)")),
        ("integer", {"least": -1, "greatest": 80, "whole": True}, None, ("amounts", None, "(-81, 160)")),
        (
            "numeric",
            {"least": Decimal("0.00"), "greatest": Decimal("9.00"), "whole": True},
            None,
            ("counts", None, None),
        ),
        ("integer", {"least": 0, "greatest": 4, "whole": True, "distinct": 5}, "counts", ("counts", None, "(0, 8.0)")),
        (
            "boolean",
            {"least": "false", "greatest": "true", "distinct": 2, "frequent": "true"},
            None,
            ("probability", "(weekly_sales = true)::integer::double precision", "(0, 1)"),
        ),
        (
            "numeric",
            {"least": Decimal("0.0"), "greatest": Decimal("1.0"), "distinct": 2, "frequent": Decimal("0.0")},
            None,
            ("probability", "(weekly_sales = 1)::integer::double precision", "(0, 1)"),
        ),
        (
            "text",
            {"least": "it's", "greatest": "no", "distinct": 2, "frequent": "no"},
            None,
            ("probability", "(weekly_sales::text = 'it''s')::integer::double precision", "(0, 1)"),
        ),
    ],
)
def test_the_target_tells_what_is_predicted(
    kind: str, values: dict[str, object], measures: str | None, told: tuple[str, str | None, str | None]
) -> None:
    found = table(Column("weekly_sales", kind, None))
    target = told_target(found, rows(found, Week(), **values), None, measures)
    for wanted, is_so in zip(told, (target.kind, target.value, target.predicted), strict=True):
        assert wanted in (None, is_so)


def test_a_count_below_nothing_and_a_positive_value_that_never_is_are_refused() -> None:
    found = table(SALES)
    with pytest.raises(SourceRefused, match=r"weekly_sales is -150\.25 in some row, which is no count"):
        told_target(found, rows(found, Week()), None, "counts")
    two = rows(found, Week(), distinct=2, least=0, greatest=1, frequent=0)
    with pytest.raises(SourceRefused, match="weekly_sales is never '2'"):
        told_target(found, two, "2", None)
    assert told_target(found, two, "0", None).positive == "0"
