"""Every error is one line that names the place and the next step, and is terminal or transient."""

import inspect

import pytest

from daybreak import errors
from daybreak.errors import DaybreakError, SourceRefused, TerminalError, TransientError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, DaybreakError)]


def test_every_error_is_either_terminal_or_transient() -> None:
    leaves = [kind for kind in KINDS if kind not in (DaybreakError, TerminalError, TransientError)]
    assert len(leaves) >= 8
    for kind in leaves:
        assert issubclass(kind, TerminalError) != issubclass(kind, TransientError), kind


def test_the_hierarchy_drawn_at_the_top_is_the_real_one() -> None:
    drawn = errors.__doc__ or ""
    for kind in KINDS:
        assert kind.__name__ in drawn
    names = [word for word in drawn.replace("─", " ").split() if word in {kind.__name__ for kind in KINDS}]
    assert len(names) == len(KINDS)


def test_a_message_says_where_what_and_what_next() -> None:
    error = SourceRefused("The batch is empty.", next_step="load it.", pipeline="orders", partition="2026-10-15")
    assert str(error) == "orders 2026-10-15: The batch is empty. Next: load it."


def test_a_message_is_one_line_whatever_it_is_made_of() -> None:
    error = SourceRefused("ERROR:  no such\n\ttable\r\n", next_step="mend\nit.", pipeline="orders", partition="a\nb")
    assert str(error) == "orders a b: ERROR: no such table Next: mend it."


def test_a_place_is_filled_in_where_the_raiser_did_not_know_it_and_kept_where_it_did() -> None:
    unknown = SourceRefused("Empty.", next_step="load it.")
    assert str(unknown) == "Empty. Next: load it."
    assert str(unknown.located("orders", "2026-10-15")) == "orders 2026-10-15: Empty. Next: load it."
    known = SourceRefused("Empty.", next_step="load it.", pipeline="parcels", partition="2026-10-14")
    assert str(known.located("orders", "2026-10-15")).startswith("parcels 2026-10-14:")


def test_an_error_without_a_next_step_cannot_be_raised() -> None:
    for kind in KINDS:
        with pytest.raises(TypeError, match="next_step"):
            kind("Something is wrong.")  # type: ignore[call-arg]


def test_an_error_carries_its_details() -> None:
    error = SourceRefused("Empty.", next_step="load it.", table="orders", rows=0)
    assert error.details == {"table": "orders", "rows": 0}
