"""The text that Prometheus reads: a header for each metric, and values and labels in its own notation."""

import re

from hypothesis import given
from hypothesis import strategies as st

from daybreak.monitoring.metrics import METRICS, RUN_ROWS, RUNS, Metric, Sample
from daybreak.monitoring.prometheus_text import exposition

LINE = re.compile(r'(?P<name>[a-z_]+)\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (?P<value>\S+)')


def test_a_metric_has_a_header_and_a_line_for_each_sample() -> None:
    samples = [
        Sample(RUNS, {"pipeline": "sales", "state": "not pushed"}, 3),
        Sample(RUN_ROWS, {"pipeline": "sales", "outcome": "scored"}, 20_900_000),
    ]
    assert exposition(samples, [RUN_ROWS, RUNS]) == (
        f"# HELP daybreak_run_rows {RUN_ROWS.help}\n"
        "# TYPE daybreak_run_rows gauge\n"
        'daybreak_run_rows{pipeline="sales",outcome="scored"} 20900000.0\n'
        f"# HELP daybreak_runs {RUNS.help}\n"
        "# TYPE daybreak_runs gauge\n"
        'daybreak_runs{pipeline="sales",state="not pushed"} 3.0\n'
    )


@given(st.text(), st.floats())
def test_any_label_and_any_number_stay_on_their_line(text: str, value: float) -> None:
    shown = exposition([Sample(RUNS, {"pipeline": text, "state": "failed"}, value)], [RUNS])
    _, _, line, end = shown.split("\n")
    found = LINE.fullmatch(line)
    assert end == ""
    assert found
    assert float(found["value"]) == value or value != value
    label = re.search(r'pipeline="((?:[^"\\]|\\.)*)"', line)
    assert label
    assert label[1].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\") == text or "\\" in text


def test_every_metric_is_named_as_prometheus_names_gauges() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"daybreak_[a-z]+(_[a-z]+)*", metric.name)
        assert (metric.unit == "s") == metric.name.endswith("_seconds")
        assert (metric.unit == "By") == metric.name.endswith("_bytes")
        assert metric.labels
        assert metric.help.endswith(".")


def test_the_text_of_a_header_stays_on_its_line() -> None:
    metric = Metric("daybreak_x", "one\\two\nthree", ("a",), "{x}")
    assert exposition([], [metric]).startswith("# HELP daybreak_x one\\\\two\\nthree\n")
