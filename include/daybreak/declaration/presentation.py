"""Presentation: what Airflow shows of a pipeline, and what cannot be shown."""

from collections.abc import Iterator
from typing import Any

# Airflow's own limit of a tag, and a length at which a name still fits into a table's column.
LONGEST_TAG, LONGEST = 100, 200


def presentation_problem(owner: Any, tags: Any, group: Any, title: Any) -> str | None:
    """Say what cannot be shown, or return None."""
    return next(_problems(owner, tags, group, title), None)


def _problems(owner: Any, tags: Any, group: Any, title: Any) -> Iterator[str]:
    for what, value in (("owner", owner), ("title", title)):
        if value is not None and not _is_line(value, LONGEST):
            yield f"{value!r:.50} as its {what}, which is no line of 1 to {LONGEST} characters"
    if not _is_line(group, LONGEST):
        yield f"{group!r:.50} as its asset's group, which is no line of 1 to {LONGEST} characters"
    if not isinstance(tags, tuple | list):
        yield f"{tags!r:.50} as its tags, which is no tuple of texts"
        return
    for tag in tags:
        if not _is_line(tag, LONGEST_TAG):
            yield f"{tag!r:.50} as a tag, which is no line of 1 to {LONGEST_TAG} characters"


def _is_line(value: Any, longest: int) -> bool:
    return isinstance(value, str) and value == value.strip() and value.isprintable() and 0 < len(value) <= longest
