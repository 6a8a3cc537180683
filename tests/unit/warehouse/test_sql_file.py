"""SQL files: includes, binds, and where in which file something is wrong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.errors import ConfigurationError
from daybreak.warehouse.sql_file import SqlFile, load_sql


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders").mkdir()
    return tmp_path / "orders"


def parse(text: str) -> SqlFile:
    return SqlFile(Path("orders/extract.sql"), text, tuple((Path("orders/extract.sql"), n + 1) for n in range(99)))


def test_an_include_stands_in_its_place_and_is_found_beside_the_including_file(folder: Path) -> None:
    (folder / "inner.sql").write_text("SELECT 1\n")
    (folder / "outer.sql").write_text("SELECT * FROM (\n    \\ir inner.sql\n) AS x\n")
    assert load_sql(folder / "outer.sql").text == "SELECT * FROM (\nSELECT 1\n) AS x"


def test_a_line_is_named_by_the_file_it_stands_in(folder: Path) -> None:
    (folder / "inner.sql").write_text("one\ntwo :a\n")
    (folder / "outer.sql").write_text("first\n\\ir inner.sql\nthird :b\n")
    sql = load_sql(folder / "outer.sql")
    assert {name: sql.location(position) for name, position in sql.binds.items()} == {
        "a": "orders/inner.sql:2",
        "b": "orders/outer.sql:3",
    }


def test_a_change_in_an_included_file_changes_the_digest(folder: Path) -> None:
    (folder / "inner.sql").write_text("SELECT 1")
    (folder / "outer.sql").write_text("\\ir inner.sql\n")
    before = load_sql(folder / "outer.sql").digest
    assert load_sql(folder / "outer.sql").digest == before
    (folder / "inner.sql").write_text("SELECT 2")
    assert load_sql(folder / "outer.sql").digest != before


@pytest.mark.parametrize("include", ["outer.sql", "inner.sql", "../orders/outer.sql", "./outer.sql"])
def test_a_circle_of_includes_is_refused(folder: Path, include: str) -> None:
    (folder / "inner.sql").write_text("\\ir outer.sql\n")
    (folder / "outer.sql").write_text(f"SELECT 1\n\\ir {include}\n")
    with pytest.raises(ConfigurationError, match="includes itself"):
        load_sql(folder / "outer.sql")


def test_one_file_may_be_included_twice(folder: Path) -> None:
    (folder / "one.sql").write_text("SELECT 1")
    (folder / "outer.sql").write_text("\\ir one.sql\nUNION ALL\n\\ir one.sql\n")
    assert load_sql(folder / "outer.sql").text == "SELECT 1\nUNION ALL\nSELECT 1"


def test_a_missing_file_is_refused_by_name(folder: Path) -> None:
    (folder / "outer.sql").write_text("\\ir gone.sql\n")
    with pytest.raises(ConfigurationError, match=r"gone\.sql cannot be read \(No such file.*create the file"):
        load_sql(folder / "outer.sql")


def test_a_file_that_is_not_utf8_is_refused_with_its_line(folder: Path) -> None:
    (folder / "outer.sql").write_bytes("SELECT 1\nAS größe\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"orders/outer\.sql:2: not UTF-8"):
        load_sql(folder / "outer.sql")


@pytest.mark.parametrize(
    ("text", "binds"),
    [
        ("SELECT :day, :zone, :day", ["day", "zone"]),
        ("SELECT ':day'", []),
        ("SELECT 'it''s :day' || :zone", ["zone"]),
        (r"SELECT E'it\'s :day' || :zone", ["zone"]),
        ('SELECT 1 AS ":day"', []),
        ("SELECT 1 -- :day\n, :zone", ["zone"]),
        ("SELECT 1 /* :day\n :day */ + :zone", ["zone"]),
        ("SELECT x::date, :day::date", ["day"]),
        ("SELECT $$ :day $$, $f$ $$ :day $$ $f$, :zone", ["zone"]),
        ("SELECT ARRAY[1, 2, 3][1:2], ARRAY[1][lo:hi]", []),
        ("SELECT 12:30", []),
        (":day", ["day"]),
        ("(:day)", ["day"]),
        ("SELECT :größe, :_x9", ["größe", "_x9"]),
        ("SELECT -:n", ["n"]),
    ],
)
def test_a_bind_is_found_where_sql_would_read_a_value_and_nowhere_else(text: str, binds: list[str]) -> None:
    assert list(parse(text).binds) == binds


def test_a_bind_nobody_provides_is_refused_with_file_line_and_what_there_is(folder: Path) -> None:
    (folder / "inner.sql").write_text("SELECT 1\nWHERE day = :dya\n")
    (folder / "outer.sql").write_text("-- grain\n\\ir inner.sql\n")
    with pytest.raises(ConfigurationError) as refused:
        load_sql(folder / "outer.sql").refuse_unknown_binds(["timezone", "first_day"])
    assert str(refused.value) == (
        "orders/inner.sql:2: unknown bind parameter :dya. Next: use one of :first_day, :timezone."
    )


def test_only_binds_are_replaced() -> None:
    sql = parse("SELECT ':day', :day::date -- :day\n, :zone")
    assert sql.render({"day": "'2026-10-15'", "zone": "'UTC'"}).text == (
        "SELECT ':day', '2026-10-15'::date -- :day\n, 'UTC'"
    )


def test_a_value_that_looks_like_a_bind_is_not_replaced_again() -> None:
    assert parse("SELECT :a, :b").render({"a": "':b'", "b": "':a'"}).text == "SELECT ':b', ':a'"


pieces = st.lists(st.tuples(st.sampled_from(["SELECT ", "x\n", "'s', ", "/* c */", "a::b "]), st.sampled_from("abc")))
values = st.fixed_dictionaries({name: st.text("'xy\n", max_size=9) for name in "abc"})


@given(pieces, values)
def test_every_place_of_a_rendered_statement_leads_back_to_the_file(
    parts: list[tuple[str, str]], quoted: dict[str, str]
) -> None:
    """What the file says itself keeps its place, however long the values before it are."""
    text = "".join(f"{piece}:{name}\x00 " for piece, name in parts)
    rendered = parse(text).render(quoted)
    places = [place for place, character in enumerate(rendered.text) if character == "\x00"]
    assert [rendered.origin(place) for place in places] == [
        place for place, character in enumerate(text) if character == "\x00"
    ]
