"""Views and functions: a query of one's own, filters, and what hangs on them when they are made anew."""

from collections.abc import Callable, Iterator

import pytest

from daybreak.errors import ConfigurationError
from declared import AS_OF, VIEW, Declared


def test_a_view_or_table_that_somebody_dropped_is_made_again(filled: Declared) -> None:
    filled.execute(f"DROP VIEW {VIEW}")
    assert "make view predictions.parcel_hours" in filled.see_to()
    assert len(filled.rows(f"SELECT * FROM {VIEW}")) == 2


OWN = (
    "-- One row per partition and parcel.\nSELECT partition_date, partition_date + 1 AS arrives, depot, parcel_id,\n"
    "    round(predicted_hours::numeric, 1) AS hours, run_id\nFROM published\nWHERE predicted_hours < 1000"
)


def test_a_query_of_ones_own_is_what_view_and_function_show(filled: Declared) -> None:
    filled.execute(f"DROP VIEW {VIEW}")
    filled.views(OWN)
    filled.see_to(columns={"arrives": "The day after."})
    own = ["partition_date", "arrives", "depot", "parcel_id", "hours", "run_id"]
    assert list(filled.columns(VIEW)) == own
    shown = filled.rows(f"SELECT * FROM {VIEW} ORDER BY parcel_id")
    assert str(shown[0][4]) == "2.5"
    assert filled.rows(f"SELECT * FROM {AS_OF}('2025-01-01') ORDER BY parcel_id") == shown
    said = f"SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = '{VIEW}'::regclass"
    assert dict(filled.rows(said + " AND attnum > 0"))["arrives"] == "The day after."
    assert dict(filled.rows(said + " AND attnum > 0"))["hours"] == "As sql/parcel_hours/views.sql reckons it."
    assert filled.see_to(anyway=True, columns={"arrives": "The day after."}) == []


@pytest.mark.parametrize("own", [None, OWN, f"WITH mine AS (\n{OWN}\n)\nSELECT * FROM mine ORDER BY depot"])
@pytest.mark.parametrize("relation", [VIEW, f"{AS_OF}('2025-01-01')"])
def test_a_filter_on_the_partition_reaches_the_publications(declared: Declared, own: str | None, relation: str) -> None:
    if own:
        declared.views(own)
    declared.see_to()
    plan = declared.rows(f"EXPLAIN SELECT * FROM {relation} WHERE partition_date = '2024-03-09' AND depot = 'north'")
    text = "\n".join(row[0] for row in plan)
    assert "CTE" not in text
    assert "partition_date = '2024-03-09'::date" in text
    assert "depot = 'north'::text" in text


def test_what_hangs_on_a_view_that_must_be_made_anew_is_named_and_nothing_is_changed(filled: Declared) -> None:
    filled.execute(
        f"CREATE VIEW public.mine AS SELECT depot FROM {VIEW}",
        f"CREATE VIEW public.afterwards AS SELECT depot FROM {AS_OF}('2024-03-09')",
    )
    filled.views(OWN)
    with pytest.raises(
        ConfigurationError, match=r"parcel_hours_as_of has to be made anew.*: view public.afterwards\. Next: drop"
    ):
        filled.see_to()
    filled.execute("DROP VIEW public.afterwards")
    with pytest.raises(ConfigurationError, match=r"parcel_hours has to be made anew.*: view public.mine\. Next: drop"):
        filled.see_to()
    assert len(filled.rows("SELECT * FROM public.mine")) == 2
    filled.execute(
        "DROP VIEW public.mine",
        "CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        f"CREATE TRIGGER fires INSTEAD OF INSERT ON {VIEW} FOR EACH ROW EXECUTE FUNCTION public.nothing()",
    )
    with pytest.raises(ConfigurationError, match=r"trigger fires on predictions.parcel_hours"):
        filled.see_to()


def test_what_is_made_anew_keeps_owner_grants_and_options(filled: Declared, new_role: Callable[[], str]) -> None:
    owner, reader = new_role(), new_role()
    filled.execute(
        f"GRANT ALL ON SCHEMA predictions TO {owner}",
        f"GRANT SELECT ON {VIEW} TO {reader} WITH GRANT OPTION",
        f"GRANT UPDATE (depot) ON {VIEW} TO {reader}",
        f"REVOKE ALL ON FUNCTION {AS_OF} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {AS_OF} TO {reader}",
        f"ALTER VIEW {VIEW} SET (security_invoker = true)",
        f"ALTER VIEW {VIEW} OWNER TO {owner}",
        f"ALTER FUNCTION {AS_OF} OWNER TO {owner}",
        # What is made from now on is everybody's; what there is was not.
        "ALTER DEFAULT PRIVILEGES IN SCHEMA predictions GRANT SELECT ON TABLES TO pg_monitor",
    )
    state = (
        "SELECT relacl::text[] @> ARRAY['x'], pg_get_userbyid(relowner), reloptions::text[], "
        "ARRAY(SELECT acl::text FROM unnest(relacl) AS acl ORDER BY 1), "
        "(SELECT attacl::text FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'depot'), "
        "(SELECT pg_get_userbyid(proowner) || proacl::text FROM pg_proc WHERE proname = 'parcel_hours_as_of') "
        f"FROM pg_class WHERE oid = '{VIEW}'::regclass"
    )
    before = filled.rows(state)
    filled.views(OWN)
    assert "take view predictions.parcel_hours away, to be made anew" in filled.see_to()
    assert filled.rows(state) == before


@pytest.fixture
def new_role(declared: Declared) -> Iterator[Callable[[], str]]:
    """Return a function that makes a role; they go when the test ends."""
    made: list[str] = []

    def make() -> str:
        made.append(f"role_{declared.workspace.warehouse.url.database}_{len(made)}")
        declared.execute(f"CREATE ROLE {made[-1]}")
        return made[-1]

    yield make
    for role in made:
        declared.execute(f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")
