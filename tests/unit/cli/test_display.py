"""What people and programs read: tables and facts that show values as they are, JSON that parses."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from daybreak.cli.display import print_error, print_facts, print_json, print_table

Capture = pytest.CaptureFixture[str]


def test_values_are_written_for_people(capsys: Capture) -> None:
    instant = datetime(2026, 10, 15, 4, 30, tzinfo=UTC)
    row = [None, True, False, 1234567, 0.12345, instant, date(2026, 10, 15), "text"]
    print_table("All kinds", [str(n) for n in range(len(row))], [row])
    [line] = [line for line in capsys.readouterr().out.splitlines() if "text" in line]
    assert line.split("  ") != []
    for shown in ("-", "yes", "no", "1,234,567", "0.123", "2026-10-15 04:30:00 UTC", "2026-10-15", "text"):
        assert shown in line


def test_numbers_stand_right_and_texts_left(capsys: Capture) -> None:
    print_table("Sides", ["number", "name"], [[1, "a"], [1000, "bb"]])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("1")]
    assert [line.rstrip() for line in lines] == ["       1   a", "   1,000   bb"]


def test_of_no_rows_it_is_said_that_there_are_none(capsys: Capture) -> None:
    print_table("Deliveries of [b]shop[/b]", ["key"], iter([]))
    assert capsys.readouterr().out == "Deliveries of [b]shop[/b]: none.\n"


def test_what_looks_like_markup_is_text(capsys: Capture) -> None:
    print_table("Rules", ["rule"], [["[bold]not bold[/bold] value_set=['(none)']"]])
    print_table("Rows of [b]shop[/i]", ["[/b]", "[b]bold[/b]"], [[1, 2]])
    print_facts({"error": "[red]not red[/red]", "empty": None})
    print_error("[link]not a link[/link]")
    shown = capsys.readouterr()
    assert "[bold]not bold[/bold] value_set=['(none)']" in shown.out
    assert "Rows of [b]shop[/i]" in shown.out
    assert "[/b]   [b]bold[/b]" in shown.out
    assert "[red]not red[/red]" in shown.out
    assert "empty" not in shown.out
    assert "[link]not a link[/link]" in shown.err


def test_an_error_is_one_line_on_standard_error(capsys: Capture) -> None:
    print_error("orders 2026-10-15: " + "a long reason " * 40)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("error orders 2026-10-15: a long reason")


def test_a_wide_table_is_not_folded_where_there_is_no_terminal(capsys: Capture) -> None:
    print_table("Wide", [f"column {n}" for n in range(10)], [["x" * 10] * 10])
    assert "xxxxxxxxxx   xxxxxxxxxx" in capsys.readouterr().out


def test_names_and_numbers_stay_whole_where_a_table_is_wider_than_the_screen(capsys: Capture) -> None:
    texts = ["there since 14:38", "per segment, 29 days old", "due tomorrow 06:00", "measured since then"]
    row = ["customer_recommendations", date(2026, 11, 28), *texts, *[1_244_216] * 5]
    print_table("Today", [f"a column {n}" for n in range(len(row))], [row])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 160
    assert "customer_recommendations" in shown
    assert "2026-11-28" in shown
    assert shown.count("1,244,216") == 5
    assert "there since 14:38" not in shown, "there was a need to fold something"


def test_where_not_even_that_is_possible_names_are_folded_and_numbers_are_not(capsys: Capture) -> None:
    print_table("Long", [f"x{n}" for n in range(13)], [["w" * 12] * 10 + [1_244_216_777] * 3])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 160
    assert shown.count("w") == 10 * 12
    assert shown.count("1,244,216,777") == 3


def test_json_holds_dates_and_numbers_that_json_does_not_know(capsys: Capture) -> None:
    print_json({"day": date(2026, 10, 15), "amount": Decimal("1.50"), "name": "größer"})
    assert json.loads(capsys.readouterr().out) == {"day": "2026-10-15", "amount": "1.50", "name": "größer"}
