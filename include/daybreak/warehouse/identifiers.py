"""Identifiers: names as statements write them, and how long they may be."""

from daybreak.errors import ConfigurationError

# What PostgreSQL keeps of a name; the rest of a longer one is dropped without a word.
LONGEST = 63


def quoted(name: str) -> str:
    """Write a name as an identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def refuse_long(name: str) -> None:
    """Refuse a name that PostgreSQL would cut off."""
    if len(name.encode()) > LONGEST:
        raise ConfigurationError(
            f"The name '{name}' is longer than {LONGEST} bytes, which is as much as PostgreSQL keeps of one.",
            next_step="choose a shorter name.",
        )
