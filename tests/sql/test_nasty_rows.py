"""Whatever rows a source holds, a run ends in a publication or in one line with pipeline, partition and next step."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from daybreak.declaration.row_rules import RowRules
from daybreak.errors import DaybreakError, UnexpectedError
from daybreak.run.outcome import Outcome
from daybreak.warehouse.held_types import HELD
from nasty import VALUES, Column, bounds, columns, doubles, selected, texts
from parcels import DAY, SHORT_DAY, Parcels

# Of these are 300; what takes longest is the run, so each example has several.
FURTHER = 3
OF_PARCELS = ("depot", "parcel_id", "weight_kg", "distance_km", "pieces", "zone", "run_id")
in_one_database = settings(max_examples=300 // FURTHER, suppress_health_check=[HealthCheck.function_scoped_fixture])
ALL_BUT_NONE: dict[str, Any] = {"max_quarantined_share": 1.0, "max_failed_share": 1.0}


@dataclass(frozen=True)
class Source:
    """What extract.sql gives, and what is declared of its further columns."""

    query: str
    carries: tuple[str, ...]
    rules: RowRules


def _can_be_held(column: Column) -> bool:
    return column.name not in OF_PARCELS and not any(value and "infinity" in value for value in column.values)


def _name(column: Column) -> str:
    return column.name


@st.composite
def sources(draw: Any) -> Source:
    """Draw a few parcels, the first of them whole, and further columns of any type and name."""
    rows = draw(st.integers(1, 3))

    def some(values: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        rest = st.lists(st.one_of(values, values, values, st.none()), min_size=rows - 1, max_size=rows - 1)
        return (draw(values), *draw(rest))

    ids = tuple(map(str, range(rows))) if draw(st.integers(0, 3)) else some(VALUES["integer"])
    held = [kind for kind in VALUES if kind.partition("(")[0] in {*HELD, *HELD.values(), "char", "mood"}]
    # What is refused for one column hides what becomes of the others: but for the last, they can be held.
    further = draw(st.lists(columns(rows, held).filter(_can_be_held), min_size=2, max_size=2, unique_by=_name))
    further.append(draw(columns(rows, held if draw(st.integers(0, 3)) else sorted(VALUES))))
    about = draw(st.sampled_from(further)).name
    query = selected(
        Column("depot", "text", some(texts)),
        Column("parcel_id", "integer", ids),
        Column("weight_kg", "double precision", some(doubles)),
        Column("distance_km", "double precision", some(doubles)),
        Column("pieces", "integer", some(VALUES["integer"])),
        Column("zone", "text", some(st.sampled_from(["city", "suburb", "country", "moon", ""]))),
        *further,
    )
    rules = RowRules(rows=(0, 100))
    match draw(st.integers(0, 3)):
        case 0:
            rules = RowRules(rows=(0, 100), ranges={about: (draw(bounds), draw(bounds))})
        case 1:
            rules = RowRules(rows=(0, 100), values={about: draw(st.lists(bounds, max_size=3))})
    carries = () if draw(st.integers(0, 3)) else (about,)
    return Source(query, carries, rules)


class Nasty:
    """One pipeline whose query and rules are those of an example.

    Examples share what takes longest to make: the judge, the table of predictions, and the model, which is that of a
    run that went well, as in a replay; so each may have a day of its own. Some pay for all of it.
    """

    def __init__(self, parcels: Parcels) -> None:
        self.rules: RowRules
        declared = replace(parcels.pipeline, name="nasty", expectations=lambda: self.rules(), **ALL_BUT_NONE)
        self.alike = Parcels(parcels.workspace, declared)
        self._numbers = count(1)

    def run(self, source: Source) -> tuple[Parcels, str, Callable[[], Outcome]]:
        """Return where an example runs, for which day, and what runs it."""
        number, self.rules = next(self._numbers), source.rules
        parcels, day, request = self.alike, str(SHORT_DAY + timedelta(days=number % 500)), {"same_as": 1}
        if source.carries:
            # What one carries does not fit what another one did.
            parcels, day, request = self.alike.declared(name=f"nasty_{number}", carries=source.carries), str(DAY), {}
        file = parcels.workspace.sql(parcels.pipeline, "extract")
        file.parent.mkdir(exist_ok=True)
        file.write_text(source.query)
        return parcels, day, partial(parcels.run, day, **request)


@pytest.fixture
def nasty(parcels: Parcels) -> Nasty:
    """Return what runs the examples."""
    parcels.execute("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    return Nasty(parcels)


def hold_one_line(parcels: Parcels, error: DaybreakError, day: str) -> None:
    event(f"refused: {type(error).__name__}")
    assert not isinstance(error, UnexpectedError), str(error)
    assert (error.pipeline, error.partition) == (parcels.pipeline.name, day)
    assert error.next_step
    assert "\n" not in str(error)
    assert (parcels.last_run()["state"], parcels.last_run()["error"]) == ("failed", str(error)[:2000])


@given(source=sources())
@in_one_database
def test_a_run_over_any_rows_ends_well(nasty: Nasty, source: Source) -> None:
    parcels, day, run = nasty.run(source)
    try:
        outcome = run()
    except DaybreakError as error:
        hold_one_line(parcels, error, day)
        return
    counts, run_id = outcome.counts, outcome.plan.run_id
    event(f"published: {counts.rows_scored > 0}, set aside: {counts.rows_scored < counts.rows_extracted}")
    assert counts.rows_extracted == counts.rows_quarantined + counts.rows_failed + counts.rows_scored
    aside = parcels.value("SELECT count(*) FROM ledger.quarantine WHERE run_id = %s", run_id)
    assert aside == counts.rows_quarantined + counts.rows_failed
    view = f"SELECT count(*) FROM predictions.{parcels.pipeline.name} WHERE partition_date = %s"
    assert parcels.value(view, day) == counts.rows_scored
