"""Column types: which type holds every value of another, so that a column can be widened and nothing is lost."""

import re

from daybreak.warehouse.described import without_length

_WIDER = {"smallint": ("integer", "bigint"), "integer": ("bigint",), "real": ("double precision",)}
_TEXTS = ("character varying", "text")


def holds(kind: str, other: str) -> bool:
    """Tell whether each value of the ``other`` type is one of this type, and reads the same.

    A whole number is not held by a fraction: it would read otherwise. Nor is text that is filled up with blanks by any
    other text: the blanks would go.
    """
    plain, of_other = without_length(kind), without_length(other)
    if plain in _WIDER.get(of_other, ()):
        return True
    if plain == of_other or (plain in _TEXTS and of_other in _TEXTS):
        most, at_most = _length(kind), _length(other)
        return plain == "text" or most is None or (at_most is not None and most >= at_most)
    return False


def _length(kind: str) -> int | None:
    found = re.search(r"\((\d+)\)", kind)
    return int(found[1]) if found else None
