"""The dashboard, the alert rules and the page name metrics and labels that there are, and leave none out."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from typer.main import get_command

from daybreak.cli.app import app
from daybreak.monitoring.metrics import METRICS, OUTCOMES, STATES
from daybreak.settings import PROJECT

FOLDER = PROJECT / "docs" / "observability"
BY_NAME = {metric.name: metric for metric in METRICS}
KNOWN_VALUES = {"outcome": OUTCOMES, "state": STATES}
NAME = re.compile(r"\bdaybreak_\w+")
SELECTOR = re.compile(r"(daybreak_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPED = re.compile(r"\b(?:by|on|without|group_left|group_right)\s*\(([^)]*)\)")


def rules() -> Iterator[tuple[str, str, str]]:
    for group in yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"], json.dumps(rule["annotations"])


def panels() -> Iterator[tuple[str, str, str]]:
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            [(metric, label)] = re.findall(r"^label_values\((\w+), (\w+)\)$", variable["query"])
            yield variable["name"], f"count by ({label}) ({metric})", ""


@pytest.mark.parametrize(("title", "expression", "shown"), [*rules(), *panels()], ids=lambda value: value[:40])
def test_an_expression_names_metrics_labels_and_values_that_there_are(title: str, expression: str, shown: str) -> None:
    metrics = [BY_NAME[name] for name in NAME.findall(expression)]
    assert metrics, title
    for name, selector in SELECTOR.findall(expression):
        matchers = MATCHER.findall(selector)
        assert ",".join(f'{label}{how}"{value}"' for label, how, value in matchers) == selector.replace(" ", "")
        for label, _, value in matchers:
            assert label in BY_NAME[name].labels
            if label in KNOWN_VALUES and "$" not in value:
                assert set(value.split("|")) <= set(KNOWN_VALUES[label])
    labels = {label for metric in metrics for label in metric.labels}
    grouped = {label.strip() for found in GROUPED.findall(expression) for label in found.split(",") if label.strip()}
    assert grouped <= labels
    shown_labels = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", shown))
    assert shown_labels <= (grouped or labels)


def test_every_metric_is_on_the_dashboard() -> None:
    assert {name for _, expression, _ in panels() for name in NAME.findall(expression)} == set(BY_NAME)


def test_an_alert_says_what_to_do_next() -> None:
    alerts = list(rules())
    assert len({name for name, _, _ in alerts}) == len(alerts)
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for _, _, annotations in alerts:
        told = json.loads(annotations)
        assert set(told) == {"summary", "next_step"}
        assert set(re.findall(r"`daybreak ([a-z-]+)", told["next_step"])) <= set(commands)


def test_the_page_lists_every_metric_with_its_labels_and_meaning() -> None:
    page = (PROJECT / "docs" / "observability.md").read_text()
    rows = [f"| `{one.name}` | {', '.join(f'`{label}`' for label in one.labels)} | {one.help} |" for one in METRICS]
    assert "\n".join(rows) in page
