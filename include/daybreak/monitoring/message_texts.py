"""Message texts: what a person is told of an incident, without any value of a row.

What a failed run said of itself may quote one: an example, a key, what a database would not read. That is left out,
and the page that the message links to has it for who may see it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.monitoring.clocks import ago
from daybreak.monitoring.need_kinds import KINDS, Kind

_LEFT_OUT = "…"
# What PostgreSQL and we write in quotes after these words is a name; in quotes elsewhere it may be a value.
_NAMED = (
    "column|relation|table|view|schema|database|role|function|type|constraint|index|host|model|alias|version|segment"
    "|channel|pipeline|Column|Model"
)
# From where on a text may quote a row: what comes after it is left out to the end, since a value may hold anything, a
# full stop or a bracket too. Shares and divergences are ours.
_QUOTES = re.compile(
    r"(?:,| or cannot be kept,)? (?:for example|such as|e\.g\.) .*"
    r"|\s*\((?!s\)|[\d.,]+ ?%\)|[\d.,]+% is usual\)|divergence [^()]*\)).*"
    r"|(?<=could not be judged): .*"
    r"|\s*DETAIL:.*",
    re.S,
)
_PAIR = re.compile(r"\b\w+=[^\s,;]+")
_QUOTED = re.compile(rf"(?P<name>\b(?:{_NAMED}) )?(?P<quoted>\"[^\"]*\"|'[^']*')")
# What another library says of a value stands behind the kind of its error.
_RAISED = re.compile(r"\b(\w+(?:Error|Exception|Warning))\b( at \S+)?.*", re.S)


def without_values(text: str) -> str:
    """Leave out of a text whatever may be a value of a row: examples, quotations, what an error of a library says."""
    text = _RAISED.sub(lambda found: f"{found[1]}{found[2] or ''}", text)
    text = _QUOTED.sub(
        lambda found: found[0] if found["name"] else _LEFT_OUT, _PAIR.sub(_LEFT_OUT, _QUOTES.sub("", text))
    )
    return text if text.endswith((".", _LEFT_OUT)) else f"{text}."


def line_without_values(line: str) -> str:
    """Leave them out of the line that a run ends with; its next step is made of our own words alone."""
    problem, step, next_step = line.partition(" Next: ")
    return f"{without_values(problem)}{step}{next_step}"


def title_of(incident: Mapping[str, Any], occasion: str) -> str:
    """Write the title of a message."""
    place = " ".join(part for part in (incident["pipeline"], incident["partition_key"]) if part)
    what = KINDS[incident["kind"]].title
    before = {"opened": "", "closed": "Over: ", "reminder": "Still: "}[occasion]
    return f"{before}{place}: {what}"


def body_of(incident: Mapping[str, Any], occasion: str, *, zone: str, now: datetime, page: str | None) -> str:
    """Write the text of a message: what, since when, what to do next, and where there is more."""
    since = f"{incident['opened_at'].astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"
    if occasion == "closed":
        lines = [
            "It is not so any more.",
            f"What it was: {_problem(incident)}",
            f"Seen from {since}, for {ago(incident['opened_at'], now)}.",
        ]
    else:
        lines = [_problem(incident), f"Seen since {since}."]
        if occasion == "reminder":
            command = f"daybreak alerts silence {incident['incident_id']}"
            lines.append(f"This is reminder {incident['reminders']}; `{command}` ends them.")
        # Made of our own words alone.
        lines.append(f"Next: {incident['next_step']}")
        if incident["command"]:
            lines.append(f"Command: {incident['command']}")
    if page:
        lines.append(f"Page: {page}")
    lines.append(f"What to do about it: docs/watch.md#{anchor(incident['kind'])} (incident {incident['incident_id']})")
    return "\n".join(lines)


def anchor(kind: Kind) -> str:
    """Return what docs/watch.md calls a kind in a link."""
    return KINDS[kind].title.replace(" ", "-")


def page_of(airflow_url: str | None, incident: Mapping[str, Any], *, is_pipeline: bool) -> str | None:
    """Return the address of the page that shows an incident; None where it is not known where Airflow's UI is."""
    from urllib.parse import quote

    if not airflow_url:
        return None
    pages = f"{airflow_url.rstrip('/')}/plugin/daybreak/daybreak"
    if not is_pipeline:
        return f"{pages}/today"
    partition = f"/partitions/{quote(incident['partition_key'], safe='')}" if incident["partition_key"] else ""
    return f"{pages}/dags/{quote(incident['pipeline'], safe='')}{partition}"


def _problem(incident: Mapping[str, Any]) -> str:
    return without_values(incident["problem"])
