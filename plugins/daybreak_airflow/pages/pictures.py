"""Pictures: SVG made here, with no script and no style of its own, so that they are there at first sight."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from daybreak.monitoring.spread import Spread

WIDE = 720


def way_of_rows(run: Mapping[str, Any]) -> Markup:
    """Draw the way of a run's rows: read, set aside, failed, scored, and published or sent."""
    read = run["rows_extracted"] or 0
    quarantined, failed = run["rows_quarantined"] or 0, run["rows_failed"] or 0
    scored = run["rows_scored"]
    kept = run["rows_kept"] if run["rows_kept"] is not None else scored
    out = {"published": "published", "pushed": "sent"}.get(run["state"], "ready")
    steps = [("read", read, "in"), ("in quarantine", quarantined, "aside"), ("failed", failed, "failed")]
    steps += [("scored", scored, "good"), (out, kept, "good")] if scored is not None else [("not scored", None, "off")]
    height, bars = 34, []
    most = max(read, 1)
    for row, (label, count, kind) in enumerate(steps):
        y = row * height
        # What is few among many has to be seen nevertheless.
        width = 0 if not count else max(3.0, 430 * count / most)
        text = "-" if count is None else f"{count:,}"
        part = f" ({count / most:.1%})" if count and kind in ("aside", "failed") else ""
        bars.append(
            f'<text class="label" x="118" y="{y + 21}" text-anchor="end">{label}</text>'
            f'<rect class="bar {kind}" x="128" y="{y + 6}" width="{width:.1f}" height="22" rx="3"/>'
            f'<text class="count" x="{136 + width:.1f}" y="{y + 21}">{text}{part}</text>'
        )
    told = "; ".join(f"{label}: {'-' if count is None else f'{count:,}'}" for label, count, _ in steps)
    return svg("way", height * len(steps), f"The way of the rows: {told}.", "".join(bars))


def spread(found: "Spread", what: str = "predictions") -> Markup:
    """Draw the share of values in each bin beside that of the training's held-out days."""
    count, height = len(found.labels), 150
    step = (WIDE - 20) / count
    most = max((*found.training, *found.here, 0.001))
    bars = []
    for n, (label, training, here) in enumerate(zip(found.labels, found.training, found.here, strict=True)):
        x = 10 + n * step
        for offset, value, kind in ((0.12, training, "training"), (0.5, here, "good")):
            tall = height * value / most
            bars.append(
                f'<rect class="bar {kind}" x="{x + offset * step:.1f}" y="{8 + height - tall:.1f}" '
                f'width="{0.36 * step:.1f}" height="{tall:.1f}"><title>{escape(label)}: training {training:.1%}, '
                f"here {here:.1%}</title></rect>"
            )
        if count <= 12:
            until = label.rpartition(" to ")[2]
            bars.append(
                f'<text class="tick" x="{x + step / 2:.1f}" y="{height + 24}" text-anchor="middle">'
                f"{'to ' if until != label else ''}{escape(until[:12])}</text>"
            )
    told = "; ".join(
        f"{label}: {training:.1%} in training, {here:.1%} here"
        for label, training, here in zip(found.labels, found.training, found.here, strict=True)
    )
    return svg("spread", height + 32, f"The spread of {what}. {told}.", "".join(bars))


def errors(rows: Sequence[Mapping[str, Any]], trained: float | None) -> Markup:
    """Draw the champion's error over partitions, with a line where its version changed, and training's as a level."""
    champion = [row for row in rows if row["role"] == "champion"] or list(rows)
    values = [row["value"] for row in champion]
    low, high = min([*values, *([trained] if trained else [])]), max([*values, *([trained] if trained else [])])
    margin = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
    low, high, height = low - margin, high + margin, 170

    def place(n: int, value: float) -> tuple[float, float]:
        across = n / max(len(champion) - 1, 1)
        return 60 + across * (WIDE - 80), 10 + height * (1 - (value - low) / (high - low))

    parts = []
    for level in (low + margin, (low + high) / 2, high - margin):
        y = place(0, level)[1]
        parts.append(f'<line class="grid" x1="60" x2="{WIDE - 20}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="54" y="{y + 4:.1f}" text-anchor="end">{level:.4g}</text>')
    if trained is not None:
        y = place(0, trained)[1]
        parts.append(f'<line class="trained" x1="60" x2="{WIDE - 20}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{WIDE - 20}" y="{y - 5:.1f}" text-anchor="end">in training</text>')
    points = [place(n, row["value"]) for n, row in enumerate(champion)]
    for n, (row, (x, y)) in enumerate(zip(champion, points, strict=True)):
        if n and row["model_version"] != champion[n - 1]["model_version"]:
            parts.append(f'<line class="changed" x1="{x:.1f}" x2="{x:.1f}" y1="10" y2="{height + 10}"/>')
            parts.append(f'<text class="tick" x="{x + 4:.1f}" y="20">version {row["model_version"]}</text>')
        says = f"{row['partition_key']}: {row['value']:.4g}, version {row['model_version'] or 'per segment'}"
        parts.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{escape(says)}</title></circle>')
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts.insert(0, f'<polyline class="line" points="{path}"/>')
    for n in sorted({0, len(champion) - 1}):
        anchor = "start" if n == 0 else "end"
        key = escape(champion[n]["partition_key"])
        parts.append(f'<text class="tick" x="{points[n][0]:.1f}" y="{height + 28}" text-anchor="{anchor}">{key}</text>')
    told = f"The error of {len(champion)} partitions, from {values[0]:.4g} to {values[-1]:.4g}."
    return svg("errors", height + 36, told, "".join(parts))


def drift(rows: Sequence[Mapping[str, Any]], named: Callable[[Any], str], link: Callable[[str, str], str]) -> Markup:
    """Draw how far each column was from its training, by partition: the darker the nearer to what is allowed.

    ``link`` is where a column of a partition leads to; by the keyboard it is a column's newest partition.
    """
    keys = sorted({row["partition_key"] for row in rows})
    names = sorted({named(row) for row in rows})
    found = {(named(row), row["partition_key"]): row for row in rows}
    left, step = 230, min(22.0, (WIDE - 240) / len(keys))
    parts = []
    for r, name in enumerate(names):
        y = r * 24 + 4
        newest = max(key for key in keys if (name, key) in found)
        parts.append(
            f'<a href="{escape(link(name, newest))}"><text class="label" x="{left - 8}" y="{y + 15}" text-anchor="end">'
            f"{escape(name)}</text></a>"
        )
        for c, key in enumerate(keys):
            row = found.get((name, key))
            if row is None:
                continue
            divergence = row["divergence"]
            far = 1.0 if divergence is None else min(divergence / (row["threshold"] or 1.0), 1.0)
            kind = "drifted" if row["drifted"] else f"near{min(int(far * 4), 3)}"
            says = f"{name}, {key}: {'infinite' if divergence is None else f'{divergence:.3f}'} of {row['threshold']:g}"
            parts.append(
                f'<a href="{escape(link(name, key))}" tabindex="-1"><rect class="heat {kind}" '
                f'x="{left + c * step:.1f}" y="{y}" width="{max(step - 2, 2):.1f}" '
                f'height="20" rx="2"><title>{escape(says)}</title></rect></a>'
            )
    bottom = len(names) * 24 + 18
    parts.append(f'<text class="tick" x="{left}" y="{bottom}">{escape(keys[0])}</text>')
    if len(keys) > 1:
        end = left + len(keys) * step
        parts.append(f'<text class="tick" x="{end:.1f}" y="{bottom + 14}" text-anchor="end">{escape(keys[-1])}</text>')
    off = sorted({named(row) for row in rows if row["drifted"]})
    told = f"Spread unlike in training: {', '.join(off)}." if off else "No column is spread unlike in training."
    return svg("drift", bottom + 20, told, "".join(parts), role="group")


def svg(name: str, height: float, told: str, inside: str, role: str = "img", wide: int = WIDE) -> Markup:
    """Put a picture's parts together, with what it says in words; what holds links is a group."""
    # Whatever comes from elsewhere was escaped where it was put in.
    return Markup(  # noqa: S704
        f'<svg class="picture {name}" viewBox="0 0 {wide} {height:.0f}" role="{role}" aria-label="{escape(told)}">'
        f"{inside}</svg>"
    )
