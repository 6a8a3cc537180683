"""CSV format: how a file is to be read, as far as somebody says it; what is not said is found out from the file."""

import codecs
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from daybreak.errors import ConfigurationError

_SPOKEN = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_SHOWN = {"\t": "tab", " ": "space"}
_DECIMALS = (".", ",")
_THOUSANDS = (",", ".", "'", " ", "\u00a0", "\u202f", "\u2019", "_")


@dataclass(frozen=True)
class CsvFormat:
    """What separates columns, marks decimals and thousands, how letters are encoded, and which texts mean nothing.

    None is what nobody said. ``empty`` is besides blanks, which always mean nothing.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    empty: tuple[str, ...] | None = None


UNASKED = CsvFormat()


def asked_format(
    delimiter: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    empty: Sequence[str] = (),
) -> CsvFormat:
    """Turn what was written on a command line into a format; refuse what no file can be read by."""
    delimiter, decimal, thousands = (
        _SPOKEN.get(said, said) if said else said for said in (delimiter, decimal, thousands)
    )
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0\\'):
        raise _refused("--delimiter", delimiter, "give one character that separates the columns, such as `;` or `tab`")
    if decimal is not None and decimal not in _DECIMALS:
        raise _refused("--decimal", decimal, "give `.` or `,`")
    if thousands is not None and thousands not in _THOUSANDS:
        raise _refused("--thousands", thousands, "give `,`, `.`, `'` or `space`")
    if thousands and thousands == (decimal or "."):
        if decimal:
            raise _refused("--thousands", thousands, "give another character than that of `--decimal`")
        decimal = ","
    if encoding is not None:
        encoding = _encoding(encoding)
    return CsvFormat(delimiter, decimal, thousands, encoding, tuple(text.strip() for text in empty) or None)


def shown(character: str) -> str:
    """Write a separating character so that it can be seen."""
    return f"`{_SHOWN.get(character, character)}`"


def spoken(character: str) -> str:
    """Write a separating character as an option takes it, in a shell too."""
    return shlex.quote(_SHOWN.get(character, character))


def _encoding(name: str) -> str:
    try:
        found = codecs.lookup(name)
        "".encode(found.name)
    except (LookupError, ValueError, UnicodeError):
        raise _refused("--encoding", name, "give one such as utf-8, utf-16, latin-1 or windows-1252") from None
    return found.name


def _refused(option: str, value: str, next_step: str) -> ConfigurationError:
    return ConfigurationError(f"`{option}` cannot be {value!r:.40}.", next_step=f"{next_step}.")
