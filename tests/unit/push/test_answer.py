"""An answer comes from outside: it may say anything, and nothing of it is believed or shown unread."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.push.answer import presentable, read_results, retry_after

ITEMS = ("a", "b", "c")
NOW = datetime(2026, 10, 15, 8, tzinfo=UTC)


def answer(*results: object) -> bytes:
    return json.dumps({"results": results}).encode()


def accepted(name: str) -> dict[str, str]:
    return {"offer_id": name, "status": "accepted"}


def test_every_item_is_acknowledged_or_rejected_with_a_reason() -> None:
    body = answer(
        {"offer_id": "c", "status": "withdrawn"},
        {"offer_id": "b", "status": "rejected", "reason": "rank: too low"},
        accepted("a"),
    )
    results = read_results(body, ITEMS, ())
    assert results is not None
    assert results.acknowledged == ("a", "c")
    assert results.rejected == {"b": "rank: too low"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"null",
        b"[1, 2]",
        b'{"results": null}',
        b'{"results": {"a": "accepted"}}',
        answer(),
        answer(accepted("a"), accepted("b")),
        answer(accepted("a"), accepted("b"), accepted("x")),
        answer(accepted("a"), accepted("b"), accepted("c"), accepted("x")),
        answer(accepted("a"), accepted("b"), accepted("b"), accepted("c")),
        answer(accepted("a"), accepted("b"), {"offer_id": "c", "status": "perhaps"}),
        answer(accepted("a"), accepted("b"), {"offer_id": "c"}),
        answer(accepted("a"), accepted("b"), "c"),
        answer(accepted("a"), accepted("b"), None),
    ],
)
def test_an_answer_that_does_not_account_for_every_item_once_says_nothing(body: bytes) -> None:
    assert read_results(body, ITEMS, ()) is None


@given(st.binary() | st.recursive(st.none() | st.text() | st.floats(), lambda x: st.lists(x)).map(answer))
def test_no_answer_makes_it_fail(body: bytes) -> None:
    assert read_results(body, ITEMS, ()) is None


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number % 1 != 0), st.text())
def test_a_decimal_number_is_never_shown(number: float, around: str) -> None:
    for written in (repr(number), f"{number:.4f}", f"{number:e}"):
        digits = "".join(letter for letter in written.partition("e")[0] if letter.isdigit()).strip("0")
        if len(digits) > 4:
            shown = presentable(f"probability={written} {written}; {{'p': {written}}}", ())
            assert digits not in shown.replace(".", "").replace(",", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("No such\n\tpipeline.\r\n", "No such pipeline."),
        ("probability 0.7316942058 is odd", "probability … is odd"),
        ("0,73 .73 7.3e-1 1e-05 73.0", "… … … … …"),
        ("offer 6be164ee-66e2-5887-b6ee-2e68c28a1064, rank 12", "offer 6be164ee-66e2-5887-b6ee-2e68c28a1064, rank 12"),
        ("digest " + "0a" * 32, "digest …"),
        ("Bearer s3cret-token", "Bearer …"),
        ("\x1b[31mred\x00\u202e", "[31mred"),
    ],
)
def test_what_is_shown_of_a_text_is_one_line_without_numbers_codes_and_secrets(text: str, shown: str) -> None:
    assert presentable(text, ("s3cret-token",)) == shown


@given(st.text(max_size=10_000))
def test_what_is_shown_is_short(text: str) -> None:
    assert len(presentable(text, ("s3cret-token",))) <= 301


@pytest.mark.parametrize("before", [0, 250, 290, 299, 5_990, 5_999])
def test_a_secret_is_not_shown_in_part_where_the_text_is_cut(before: int) -> None:
    shown = presentable("x " * (before // 2) + "s3cret-token" + " y" * 9_000, ("s3cret-token",))
    assert "s3c" not in shown


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0 "}, 0),
        ({"retry-after": "Thu, 15 Oct 2026 08:00:30 GMT"}, 30),
        ({"retry-after": "Thursday, 15-Oct-26 08:00:30 GMT"}, 30),
        ({"retry-after": "Thu, 15 Oct 2026 07:00:00 GMT"}, 0),
        ({"retry-after": "Thu, 15 Oct 2026 09:00:09 GMT", "date": "Thu, 15 Oct 2026 09:00:00 GMT"}, 9),
        ({"retry-after": "Thu, 15 Oct 2026 08:00:30 GMT", "date": "no date"}, 30),
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 10}, None),
        ({"retry-after": "Thu, 99 Oct 2026 08:00:30 GMT"}, None),
    ],
)
def test_both_forms_of_retry_after_are_read_and_nonsense_is_not(headers: dict[str, str], seconds: int | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_header_makes_it_fail(asked: str, date: str) -> None:
    wait = retry_after({"retry-after": asked, "date": date}, NOW)
    assert wait is None or wait >= 0
