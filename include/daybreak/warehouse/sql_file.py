r"""SQL files: read whole, checked before they run, values bound.

A file may include another with psql's own ``\ir other.sql`` on a line of its own, so that one definition can serve two
queries. Values are named ``:like_this``.
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from daybreak.errors import ConfigurationError

_INCLUDE = re.compile(r"\\ir\s+(\S+)\s*")
# A bind outside of strings, quoted names, comments and casts; the alternatives before the last are skipped over.
_TOKENS = re.compile(
    r"--[^\n]*|/\*.*?\*/|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"[^\"]*\"|\$(\w*)\$.*?\$\1\$|::"
    r"|(?<![:\w\\]):(?P<bind>[A-Za-z_]\w*)|(?P<end>;)",
    re.S,
)


@dataclass(frozen=True)
class Rendered:
    """A statement with its values in place."""

    text: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]

    def origin(self, position: int) -> int:
        """Map a character position of this text back to the file's text."""
        nearest = max(bisect_right(self.starts, position) - 1, 0)
        return self.origins[nearest] + max(position, 0) - self.starts[nearest]


@dataclass(frozen=True)
class SqlFile:
    """The text of a SQL file with its includes in place, and where each line came from."""

    path: Path
    text: str
    origins: tuple[tuple[Path, int], ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the text, includes and all."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def binds(self) -> dict[str, int]:
        """Names of the bound values, each with the position of its first use."""
        found: dict[str, int] = {}
        for token in _TOKENS.finditer(self.text):
            if token["bind"]:
                found.setdefault(token["bind"], token.start("bind"))
        return found

    def render(self, quoted: Mapping[str, str]) -> Rendered:
        """Put literals, quoted by the database's driver, in the place of the binds."""
        pieces: list[str] = []
        starts, origins = [0], [0]
        length = at = 0
        for token in _TOKENS.finditer(self.text):
            if token["bind"]:
                piece = self.text[at : token.start()] + quoted[token["bind"]]
                pieces.append(piece)
                length, at = length + len(piece), token.end()
                starts.append(length)
                origins.append(at)
        pieces.append(self.text[at:])
        return Rendered("".join(pieces), tuple(starts), tuple(origins))

    def location(self, position: int) -> str:
        """Name the file and line at a character position of the text."""
        return self.location_of_line(self.text.count("\n", 0, position) + 1)

    def location_of_line(self, number: int) -> str:
        """Name the file and line at a line of the text, from 1."""
        path, line = self.origins[min(max(number, 1), len(self.origins)) - 1]
        return f"{path.parent.name}/{path.name}:{line}"

    def refuse_unknown_binds(self, known: Collection[str]) -> None:
        """Refuse a file that binds a value nobody provides."""
        for name, position in self.binds.items():
            if name not in known:
                raise ConfigurationError(
                    f"{self.location(position)}: unknown bind parameter :{name}.",
                    next_step=f"use one of {', '.join(f':{k}' for k in sorted(known))}.",
                )

    def refuse_more_than_a_query(self) -> None:
        """Refuse a semicolon: a query is run within another one, and nothing else must run beside it."""
        for token in _TOKENS.finditer(self.text):
            if token["end"]:
                raise ConfigurationError(
                    f"{self.location(token.start())}: a query has no semicolon.",
                    next_step="remove it, and what follows it if that is another statement.",
                )


def load_sql(path: Path) -> SqlFile:
    """Read a SQL file and what it includes, refusing a missing file or a circle."""
    lines: list[str] = []
    origins: list[tuple[Path, int]] = []
    _read(path.resolve(), lines, origins, ())
    return SqlFile(path, "\n".join(lines), tuple(origins))


def _read(path: Path, lines: list[str], origins: list[tuple[Path, int]], above: tuple[Path, ...]) -> None:
    if path in above:
        raise ConfigurationError(f"{path.name} includes itself.", next_step=f"remove the circle below {above[0]}.")
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).", next_step="create the file.") from error
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{path.parent.name}/{path.name}:{number}: not UTF-8.", next_step="save the file as UTF-8."
        ) from error
    for number, line in enumerate(content.rstrip().split("\n"), start=1):
        if include := _INCLUDE.fullmatch(line.strip()):
            _read((path.parent / include[1]).resolve(), lines, origins, (*above, path))
        else:
            lines.append(line)
            origins.append((path, number))
