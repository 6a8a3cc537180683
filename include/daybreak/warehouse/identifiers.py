"""Identifiers: names as statements write them, and how long they may be."""

import re

from daybreak.errors import ConfigurationError

# What PostgreSQL keeps of a name; the rest of a longer one is dropped without a word.
LONGEST = 63


def quoted(name: str) -> str:
    """Write a name as an identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def as_written(name: str) -> str:
    """Write a name as somebody would in a query: in quotes only where it needs them."""
    from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in RESERVED_WORDS
    return name if plain else quoted(name)


def refuse_long(name: str) -> None:
    """Refuse a name that PostgreSQL would cut off."""
    if len(name.encode()) > LONGEST:
        raise ConfigurationError(
            f"The name '{name}' is longer than {LONGEST} bytes, which is as much as PostgreSQL keeps of one.",
            next_step="choose a shorter name.",
        )
