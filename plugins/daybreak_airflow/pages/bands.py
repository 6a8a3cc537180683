"""Bands: what a pipeline's partitions were like, drawn over what was usual for each of them."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from daybreak_airflow.pages.pictures import svg

if TYPE_CHECKING:
    from daybreak.monitoring.usual import Band, Measured
    from daybreak.monitoring.usual_history import Course

# Two of them stand side by side, or one fills a phone.
_WIDE, _HEIGHT, _LEFT, _RIGHT = 440, 130, 62, 10
TITLES = {"rows": "Rows in", "quarantined": "In quarantine", "seconds": "Run time", "nulls": "Without a value"}


def title_of(one: "Course | Measured") -> str:
    """Say what is measured."""
    return f"{TITLES[one.what]}: {one.column}" if one.column else TITLES[one.what]


def value_in_words(what: str, value: float) -> str:
    """Write a value of a measure, with its unit."""
    if what == "rows":
        return f"{value:,.0f}"
    if what == "seconds":
        return f"{value:,.0f} s" if value >= 10 or not value else f"{value:.1f} s"
    return f"{value:.1%}"


def usual_in_words(what: str, band: "Band | None") -> str:
    """Say from where to where it is usual; nothing of a measure is below zero, and no share above one."""
    if band is None:
        return "not known yet"
    high = min(band.high, 1.0) if what in ("quarantined", "nulls") else band.high
    if band.low <= 0:
        return f"up to {value_in_words(what, high)}"
    return f"{value_in_words(what, band.low)} to {value_in_words(what, high)}"


def band(course: "Course") -> Markup:
    """Draw a measure over partitions: the band is what was usual, a point outside of it is marked."""
    days = course.days
    shown = [one.value for _, one in days]
    shown += [edge for _, one in days if one.band for edge in (max(one.band.low, 0.0), _high(course, one))]
    low, high = min(shown), max(shown)
    # A course that hardly moves is drawn as one, not as its noise.
    low = 0.0 if low < high / 2 else low
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    low, high = max(low - room, 0.0), high + room

    def at(n: int, value: float) -> tuple[float, float]:
        across = n / max(len(days) - 1, 1)
        clear = min(max(value, low), high)
        return _LEFT + across * (_WIDE - _LEFT - _RIGHT), 8 + _HEIGHT * (1 - (clear - low) / (high - low))

    parts = [_area(course, at)]
    for level in (low, (low + high) / 2, high):
        y = at(0, level)[1]
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = value_in_words(course.what, level)
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    points = [at(n, one.value) for n, (_, one) in enumerate(days)]
    parts.append(f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
    for (key, one), (x, y) in zip(days, points, strict=True):
        says = f"{key}: {value_in_words(one.what, one.value)}, usual {usual_in_words(one.what, one.band)}"
        kind, size = ("point unusual", 5) if one.unusual else ("point", 2.5)
        parts.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{size}"><title>{escape(says)}</title></circle>'
        )
    for n in sorted({0, len(days) - 1}):
        anchor = "start" if n == 0 else "end"
        parts.append(
            f'<text class="tick" x="{points[n][0]:.1f}" y="{_HEIGHT + 26}" text-anchor="{anchor}">'
            f"{escape(days[n][0])}</text>"
        )
    unusual = [key for key, one in days if one.unusual]
    told = f"{title_of(course)} of {len(days)} partitions; unusual: {', '.join(unusual) or 'none'}."
    return svg("band", _HEIGHT + 34, told, "".join(parts), wide=_WIDE)


def _high(course: "Course", one: "Measured") -> float:
    high = one.band.high if one.band else one.value
    return min(high, 1.0) if course.what in ("quarantined", "nulls") else high


def _area(course: "Course", at: Callable[[int, float], tuple[float, float]]) -> str:
    """Draw the bands of neighbours together; where nothing is known there is none."""
    found, piece = [], []
    for n, (_, one) in enumerate((*course.days, ("", None))):
        if one is not None and one.band is not None:
            piece.append((n, one))
            continue
        if piece:
            top = [at(n, _high(course, one)) for n, one in piece]
            bottom = [at(n, max(one.band.low, 0.0)) for n, one in reversed(piece)]
            if len(piece) == 1:  # one partition alone has a width, too
                top = [(top[0][0] - 4, top[0][1]), (top[0][0] + 4, top[0][1])]
                bottom = [(bottom[0][0] + 4, bottom[0][1]), (bottom[0][0] - 4, bottom[0][1])]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*top, *bottom))
            found.append(f'<polygon class="usual" points="{path}"/>')
        piece = []
    return "".join(found)
