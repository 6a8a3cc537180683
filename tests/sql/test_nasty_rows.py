"""Whatever rows a source holds, a run ends in a publication or in one line with pipeline, partition and next step."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from daybreak.declaration.row_rules import RowRules
from daybreak.errors import DaybreakError, UnexpectedError
from daybreak.warehouse.held_types import HELD
from nasty import VALUES, Column, bounds, columns, doubles, selected, texts
from parcels import DAY, Parcels

_numbers = count(1)
in_one_database = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Source:
    """What extract.sql gives, and what is declared of its last column."""

    query: str
    column: str
    carried: bool
    rules: RowRules


@st.composite
def sources(draw: Any) -> Source:
    """Draw a few parcels, the first of them whole, and one further column of any type and name."""
    rows = draw(st.integers(1, 3))

    def some(values: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        rest = st.lists(st.one_of(values, values, values, st.none()), min_size=rows - 1, max_size=rows - 1)
        return (draw(values), *draw(rest))

    ids = tuple(map(str, range(rows))) if draw(st.integers(0, 3)) else some(VALUES["integer"])
    held = [kind for kind in VALUES if kind.partition("(")[0] in {*HELD, *HELD.values(), "char", "mood"}]
    further = draw(columns(rows, held if draw(st.integers(0, 3)) else sorted(VALUES)))
    query = selected(
        Column("depot", "text", some(texts)),
        Column("parcel_id", "integer", ids),
        Column("weight_kg", "double precision", some(doubles)),
        Column("distance_km", "double precision", some(doubles)),
        Column("pieces", "integer", some(VALUES["integer"])),
        Column("zone", "text", some(st.sampled_from(["city", "suburb", "country", "moon", ""]))),
        further,
    )
    rules = RowRules(rows=(0, 100))
    match draw(st.integers(0, 3)):
        case 0:
            rules = RowRules(rows=(0, 100), ranges={further.name: (draw(bounds), draw(bounds))})
        case 1:
            rules = RowRules(rows=(0, 100), values={further.name: draw(st.lists(bounds, max_size=3))})
    return Source(query, further.name, draw(st.booleans()), rules)


@pytest.fixture
def nasty(parcels: Parcels) -> Iterator[Parcels]:
    """Return the parcels' database, whose model scores what a test writes."""
    parcels.execute("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    return parcels


def hold_one_line(parcels: Parcels, error: DaybreakError, pipeline: str) -> None:
    event(f"refused: {type(error).__name__}")
    assert not isinstance(error, UnexpectedError), str(error)
    assert (error.pipeline, error.partition) == (pipeline, str(DAY))
    assert error.next_step
    assert "\n" not in str(error)
    assert (parcels.last_run()["state"], parcels.last_run()["error"]) == ("failed", str(error)[:2000])


@given(source=sources())
@in_one_database
def test_a_run_over_any_rows_ends_well(nasty: Parcels, source: Source) -> None:
    # Each has tables of its own: what one carries does not fit what another one did.
    name = f"nasty_{next(_numbers)}"
    declared = nasty.declared(
        name=name,
        expectations=source.rules,
        carries=(source.column,) if source.carried else (),
        max_quarantined_share=1.0,
        max_failed_share=1.0,
    )
    file = nasty.workspace.sql(declared.pipeline, "extract")
    file.parent.mkdir()
    file.write_text(source.query)
    try:
        outcome = declared.run()
    except DaybreakError as error:
        hold_one_line(nasty, error, name)
        return
    counts, run_id = outcome.counts, outcome.plan.run_id
    event(f"published: {counts.rows_scored > 0}, set aside: {counts.rows_scored < counts.rows_extracted}")
    assert counts.rows_extracted == counts.rows_quarantined + counts.rows_failed + counts.rows_scored
    aside = nasty.value("SELECT count(*) FROM ledger.quarantine WHERE run_id = %s", run_id)
    assert aside == counts.rows_quarantined + counts.rows_failed
    assert nasty.value(f"SELECT count(*) FROM predictions.{name}") == counts.rows_scored
