"""Rendering: templates with what all of them need, and values as people read them."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from daybreak.monitoring import in_words
from daybreak.monitoring.clocks import ago, clock
from daybreak_airflow.pages import bands

_FOLDER = Path(__file__).parent


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "share": share, "coded": coded, "quoted": lambda text: quote(str(text), safe="")}
    made.globals |= {
        "ago": ago,
        "clock": clock,
        "state_in_words": in_words.state_in_words,
        "model_in_words": in_words.model_in_words,
        "error_in_words": in_words.error_in_words,
        "open_in_words": in_words.open_in_words,
        "next_in_words": in_words.next_in_words,
        "band": bands.band,
        "title_of": bands.title_of,
        "usual_in_words": bands.usual_in_words,
        "value_in_words": bands.value_in_words,
        # What a browser keeps of a file is that of its bytes.
        "stamp": str(max(int(file.stat().st_mtime) for file in (_FOLDER / "static").iterdir())),
    }
    return made


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template; addresses are made from where the application is mounted."""
    root = str(request.scope.get("root_path", "")).rstrip("/")
    airflow = root.removesuffix("/daybreak")
    values = {"next_step": None, "now": datetime.now(UTC), **values}
    return HTMLResponse(
        _environment().get_template(template).render(root=root, airflow=airflow, status=status, **values), status
    )


def coded(text: str) -> Markup:
    """Set what stands in backticks as code; all else is text."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if n % 2 and n < len(parts) - 1 else part for n, part in enumerate(parts)
    )


def number(value: Any) -> str:
    """Write a value as it stands in a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def share(part: int | None, whole: int | None) -> str:
    """Write a part of a whole as per cent; nothing of nothing."""
    return "" if not whole or part is None else f"{part / whole:.1%}"
