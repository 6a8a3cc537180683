"""Prometheus text: samples in the text format that Prometheus reads, version 0.0.4.

The lock has no client of Prometheus, and gauges read anew at each scrape need none: it is a header and a line each.
"""

from collections.abc import Iterable, Sequence

from daybreak.monitoring.metrics import METRICS, Metric, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(samples: Sequence[Sample], metrics: Iterable[Metric] = METRICS) -> str:
    """Write samples below the header of their metric; a metric without any has its header alone."""
    lines: list[str] = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {_help(metric.help)}", f"# TYPE {metric.name} gauge"]
        lines += [_line(sample) for sample in samples if sample.metric == metric]
    return "".join(f"{line}\n" for line in lines)


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_value(sample.labels[name])}"' for name in sample.metric.labels)
    return f"{sample.metric.name}{{{labels}}} {float(sample.value)!r}"


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _value(text: str) -> str:
    return _help(text).replace('"', '\\"')
