"""Pictures and words of the pages: well-formed, told in words too, and nothing but text from elsewhere."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from daybreak.monitoring.column_spread import named
from daybreak.monitoring.spread import Spread
from daybreak.monitoring.usual import Band, Measured
from daybreak.monitoring.usual_history import Course
from daybreak_airflow.pages import bands, pictures
from daybreak_airflow.pages.rendering import coded, number, share

HOSTILE = "<script>\"&'"


def link(name: str, key: str) -> str:
    return f"?column={name}&partition={key}"


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
    assert f"{HOSTILE}: 60.0% in training, 10.0% here" in str(picture.get("aria-label"))


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
    assert parsed(pictures.drift(rows, named, link)).get("aria-label") == f"Spread unlike in training: {HOSTILE}."
    assert "No column" in str(parsed(pictures.drift(rows[1:], named, link)).get("aria-label"))


def test_a_column_and_each_of_its_days_lead_to_how_it_is_spread() -> None:
    common = {"segment": HOSTILE, "threshold": 0.2, "column_name": "price", "divergence": 0.1, "drifted": False}
    rows = [{**common, "partition_key": key} for key in ("2026-01-01", "2026-01-02")]
    picture = parsed(pictures.drift(rows, named, link))
    links = [(one.get("href"), one.get("tabindex")) for one in picture if one.tag == "a"]
    name = f"price ({HOSTILE})"
    days = [(link(name, key), "-1") for key in ("2026-01-01", "2026-01-02")]
    assert links == [(link(name, "2026-01-02"), None), *days], "by the keyboard a column is one stop, at its newest day"


def course(what: str, *values: float, band: Band | None, column: str | None = None) -> Course:
    days = [(f"2026-01-{n:02}", Measured(what, value, band, column)) for n, value in enumerate(values, 1)]
    return Course(what, column, tuple(days))


def test_a_course_is_drawn_over_its_band_and_what_is_unusual_is_marked() -> None:
    picture = parsed(bands.band(course("rows", 100.0, 101.0, 500.0, band=Band(90, 110, 100, 6))))
    points = [one.get("class") for one in picture if one.tag == "circle"]
    assert points == ["point", "point", "point unusual"]
    assert len([one for one in picture if one.get("class") == "usual"]) == 1
    assert picture.get("aria-label") == "Rows in of 3 partitions; unusual: 2026-01-03."


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [7.0], [0.01, 0.02, 0.0]])
@pytest.mark.parametrize("band", [None, Band(-5, 5, 0, 6), Band(0, 0, 0, 6)])
@pytest.mark.parametrize("what", ["rows", "quarantined", "seconds", "nulls"])
def test_courses_are_drawn_whatever_they_are(what: str, band: Band | None, values: list[float]) -> None:
    picture = parsed(bands.band(course(what, *values, band=band, column=HOSTILE)))
    numbers = [float(one.get(name, "0")) for one in picture if one.tag == "circle" for name in ("cx", "cy")]
    assert all(0 <= number <= 440 for number in numbers)
    assert HOSTILE in str(picture.get("aria-label"))


@pytest.mark.parametrize(
    ("what", "band", "says"),
    [
        ("rows", Band(17_500.2, 18_600.4, 18_000, 8), "17,500 to 18,600"),
        ("rows", Band(-3, 12, 2, 8), "up to 12"),
        ("quarantined", Band(-0.01, 1.4, 0.2, 8), "up to 100.0%"),
        ("seconds", Band(3.04, 80, 20, 8), "3.0 s to 80 s"),
        ("nulls", None, "not known yet"),
    ],
)
def test_what_is_usual_is_said_in_its_unit(what: str, band: Band | None, says: str) -> None:
    assert bands.usual_in_words(what, band) == says


def test_commands_in_a_text_are_code_and_all_else_is_text() -> None:
    assert str(coded("see `daybreak runs`; <b>")) == "see <code>daybreak runs</code>; &lt;b&gt;"
    assert str(coded("a ` alone")) == "a  alone"
    assert str(coded("`<i>` and `b`")) == "<code>&lt;i&gt;</code> and <code>b</code>"


def test_values_are_written_as_people_read_them() -> None:
    assert [number(value) for value in (None, True, 1234567, 0.123456)] == ["-", "yes", "1,234,567", "0.1235"]
    assert [share(1, 3), share(0, 3), share(None, 3), share(1, 0)] == ["33.3%", "0.0%", "", ""]
