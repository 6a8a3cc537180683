"""Pictures and words of the pages: well-formed, told in words too, and nothing but text from elsewhere."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from daybreak.monitoring.partition_account import Spread
from daybreak_airflow.pages import pictures
from daybreak_airflow.pages.rendering import coded, number, share

HOSTILE = "<script>\"&'"
RUN = {"rows_extracted": 1000, "rows_quarantined": 30, "rows_failed": 0, "rows_scored": 970, "rows_kept": None}


def parsed(picture: Any) -> ET.Element:
    return ET.fromstring(str(picture))


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ({**RUN, "state": "published"}, "read: 1,000; in quarantine: 30; failed: 0; scored: 970; published: 970"),
        ({**RUN, "state": "pushed", "rows_kept": 200}, "scored: 970; sent: 200"),
        ({**RUN, "state": "failed", "rows_scored": None}, "failed: 0; not scored: -"),
        (dict.fromkeys(RUN) | {"state": "running"}, "read: 0"),
    ],
)
def test_the_way_of_the_rows_is_told_in_words_too(run: dict[str, Any], told: str) -> None:
    assert told in str(parsed(pictures.way_of_rows(run)).get("aria-label"))


def test_a_spread_has_a_bar_of_each_for_every_bin() -> None:
    found = Spread(("0 to 1", HOSTILE), (0.4, 0.6), (0.9, 0.1), 10)
    picture = parsed(pictures.spread(found))
    assert len([bar for bar in picture if bar.tag == "rect"]) == 4
    assert f"{HOSTILE}: 60.0% in training, 10.0% now" in str(picture.get("aria-label"))


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0], [0.0, 0.0], [3.0, 1.0, 2.0]])
@pytest.mark.parametrize("trained", [None, 0.0, 2.5])
def test_errors_are_drawn_whatever_they_are(values: list[float], trained: float | None) -> None:
    rows = [
        {"partition_key": HOSTILE, "role": "champion", "model_version": n // 2, "value": value}
        for n, value in enumerate(values)
    ]
    picture = parsed(pictures.errors(rows, trained))
    assert len([point for point in picture if point.tag == "circle"]) == len(values)
    changes = [line for line in picture if line.get("class") == "changed"]
    assert len(changes) == len({n // 2 for n in range(len(values))}) - 1


def test_drift_says_which_columns_are_off() -> None:
    common = {"partition_key": "2026-01-01", "segment": None, "threshold": 0.2}
    rows = [
        {**common, "column_name": HOSTILE, "divergence": None, "drifted": True},
        {**common, "column_name": "price", "divergence": 0.0, "drifted": False},
    ]
    assert parsed(pictures.drift(rows)).get("aria-label") == f"Spread unlike in training: {HOSTILE}."
    assert "No column" in str(parsed(pictures.drift(rows[1:])).get("aria-label"))


def test_commands_in_a_text_are_code_and_all_else_is_text() -> None:
    assert str(coded("see `daybreak runs`; <b>")) == "see <code>daybreak runs</code>; &lt;b&gt;"
    assert str(coded("a ` alone")) == "a  alone"
    assert str(coded("`<i>` and `b`")) == "<code>&lt;i&gt;</code> and <code>b</code>"


def test_values_are_written_as_people_read_them() -> None:
    assert [number(value) for value in (None, True, 1234567, 0.123456)] == ["-", "yes", "1,234,567", "0.1235"]
    assert [share(1, 3), share(0, 3), share(None, 3), share(1, 0)] == ["33.3%", "0.0%", "", ""]
