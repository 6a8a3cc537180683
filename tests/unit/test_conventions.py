"""How the code and the SQL are laid out: sizes, names, grains, comments."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from daybreak.local.demonstration_schema import hand_over, staged
from daybreak.run.tables import see_to_tables, upstreams_first
from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace

NewDatabase = Callable[..., str]

MODULES = sorted(path for folder in ("dags", "plugins", "include") for path in (PROJECT / folder).rglob("*.py"))
TESTS = sorted((PROJECT / "tests").rglob("*.py"))
SQL = sorted((PROJECT / "sql").rglob("*.sql"))
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "core", "tools", "stuff", "lib"}
_COMMENTS = sa.text(
    "SELECT n.nspname, c.relname, a.attname, d.description FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN LATERAL (SELECT attname, attnum FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 "
    "AND NOT attisdropped UNION ALL SELECT NULL, 0) AS a ON true "
    "LEFT JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = a.attnum AND d.classoid = 'pg_class'::regclass "
    "WHERE n.nspname IN ('ledger', 'predictions', 'retail') AND c.relkind IN ('r', 'v', 'm', 'p')"
)
_FUNCTION_COMMENTS = sa.text(
    "SELECT proname, obj_description(oid, 'pg_proc') FROM pg_proc WHERE pronamespace = 'predictions'::regnamespace"
)
MADE = re.compile(r"^CREATE (?:TABLE|OR REPLACE VIEW|VIEW|OR REPLACE FUNCTION|MATERIALIZED VIEW)", re.M)


def name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def test_modules_are_short_enough_to_be_read() -> None:
    lines = {name(module): len(module.read_text().splitlines()) for module in MODULES}
    assert {module: n for module, n in lines.items() if n > (80 if module.startswith("dags/") else 300)} == {}


def test_modules_are_named_for_what_they_hold() -> None:
    words = {name(module): {*module.stem.lower().split("_"), module.parent.name} for module in [*MODULES, *TESTS]}
    assert [module for module, found in words.items() if found & VAGUE] == []


def test_modules_open_with_what_they_are_for() -> None:
    assert [name(module) for module in MODULES if not module.read_text().startswith(('"""', 'r"""'))] == []


@pytest.mark.parametrize("file", SQL, ids=name)
def test_a_sql_file_opens_with_its_grain(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("-- "), "it opens with a comment"
    # A migration may do no more than say better what a column means.
    if not MADE.search(text) and not any(done in text for done in ("INSERT", "CREATE", "COMMENT ON")):
        assert text.startswith("-- One row"), "a query says what one row of its result is"


@pytest.mark.parametrize("file", SQL, ids=name)
def test_each_table_and_view_says_what_one_row_is(file: Path) -> None:
    text = file.read_text()
    statements = re.split(r";\s*$", text, flags=re.M)
    for statement in statements:
        if made := MADE.search(statement):
            assert re.search(r"^-- One row per|^-- One row:", statement[: made.start()], re.M), statement.strip()[:60]


def test_sql_holds_no_place_for_formatting_values_in() -> None:
    for file in SQL:
        assert not re.search(r"\{\w*\}|%\(\w+\)s|%s\b", re.sub(r"'\{\}'", "", file.read_text())), name(file)


def test_no_statement_takes_along_what_others_have_made() -> None:
    dropping = re.compile(r"\b(?:DROP|TRUNCATE) [^;\n]*")
    found = [
        f"{name(file)}: {statement}"
        for file in [*MODULES, *SQL]
        for statement in dropping.findall(file.read_text())
        if "CASCADE" in statement
        or (file.suffix == ".py" and re.match(r"DROP (?:TABLE|VIEW|FUNCTION|SCHEMA) (?!.*RESTRICT)", statement))
    ]
    # The one is told to a person, the other takes away a view of this connection's own.
    assert [one.split(": ")[1].split()[1] for one in found] == ["TABLE", "VIEW"], found


def test_every_table_view_and_column_has_a_comment(new_database: NewDatabase, tmp_path: Path) -> None:
    workspace = Workspace(Settings(home=tmp_path, project=PROJECT, pipelines="retail", warehouse_url=new_database()))
    with staged(workspace.ledger.warehouse, PROJECT / "sql"):
        hand_over(workspace.warehouse, PROJECT / "sql")
    for pipeline in upstreams_first(workspace.pipelines):
        see_to_tables(workspace, pipeline)
    with workspace.warehouse.begin() as connection:
        found = connection.execute(_COMMENTS).all()
        functions = connection.execute(_FUNCTION_COMMENTS).all()
    workspace.close()
    assert {(schema, relation) for schema, relation, _, _ in found} > {
        ("ledger", "runs"),
        ("predictions", "demand_forecast"),
        ("retail", "transactions"),
    }
    silent = [f"{schema}.{relation}.{column or '*'}" for schema, relation, column, comment in found if not comment]
    assert silent == []
    assert len(functions) == 3
    assert [name for name, comment in functions if not comment] == []
