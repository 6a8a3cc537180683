"""CSV text: the letters of a file, however they are encoded, without what its program says of the file itself."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from daybreak.errors import SourceRefused

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What files begin with that are no text, and what they are.
_NO_TEXT = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a SQLite database"),
)
# What Western European files are encoded in where they are not UTF-8.
_WESTERN = "windows-1252"
_SEP = re.compile(r'"?sep=(?P<delimiter>[^\r\n"])"?[ \t]*(?:\r\n|\n|\r|\Z)', re.IGNORECASE)
_NEWLINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class CsvText:
    """The text of a file without its line ``sep=``, and ``says`` how it was decoded.

    ``delimiter`` is what that line names; ``first_line`` is the number in the file of the first line after it.
    """

    text: str
    says: str
    delimiter: str | None
    first_line: int

    def line(self, position: int) -> int:
        """Return the number of the line that a position of the text is on."""
        return self.first_line + sum(1 for _ in _NEWLINE.finditer(self.text, 0, position))


def read_text(path: Path, encoding: str | None) -> CsvText:
    """Read a file as text, in the encoding that is named or that its bytes show."""
    content = _content(path)
    for start, what in _NO_TEXT:
        if content.startswith(start):
            raise SourceRefused(f"{path.name} is {what}, not CSV.", next_step="export it as CSV, unpacked.")
    text, says = _decoded(path, content, encoding)
    if "\0" in text:
        number = len(_NEWLINE.findall(text, 0, text.index("\0"))) + 1
        raise SourceRefused(
            f"{path.name}, line {number}: there is a null character, which no text can hold.",
            next_step="remove it from the file, or say how the file is encoded (`--encoding`).",
        )
    if not (named := _SEP.match(text)):
        return CsvText(text, says, None, 1)
    return CsvText(text[named.end() :], says, named["delimiter"], 2)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise SourceRefused(f"There is no file {path}.", next_step="check the path.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceRefused(
            f"{path} cannot be read: {error.strerror or error}.", next_step="check the file."
        ) from error


def _decoded(path: Path, content: bytes, encoding: str | None) -> tuple[str, str]:
    if encoding:
        try:
            return content.decode(encoding).removeprefix("\ufeff"), encoding
        except UnicodeError as error:
            raise _not_encoded(path, content, encoding, error) from error
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _by_mark(path, content, name)
    if wide := _wide(content):
        return _by_mark(path, content, wide)
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        return _western(path, content, error)


def _by_mark(path: Path, content: bytes, name: str) -> tuple[str, str]:
    try:
        return content.decode(name).removeprefix("\ufeff"), name
    except UnicodeError as error:
        raise _not_encoded(path, content, name, error) from error


def _wide(content: bytes) -> str | None:
    """Tell UTF-16 without a mark by every second byte being nothing, as it is for most letters."""
    start = content[:4096]
    if len(start) < 4 or len(content) % 2:
        return None
    even, odd = start[::2].count(0) * 2 / len(start), start[1::2].count(0) * 2 / len(start)
    if max(even, odd) < 0.5 or min(even, odd) > 0.1:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _western(path: Path, content: bytes, error: UnicodeDecodeError) -> tuple[str, str]:
    """Read as Windows-1252 what has no letter in UTF-8 beyond ASCII; what has is UTF-8, and damaged."""
    lenient = content.decode("utf-8", errors="surrogateescape")
    number = content.count(b"\n", 0, error.start) + 1
    if any("\x7f" < letter < "\udc80" or letter > "\udcff" for letter in set(lenient)):
        raise SourceRefused(
            f"{path.name}, line {number}: this is not UTF-8, as other letters of the file are.",
            next_step="mend the line, or say how the file is encoded (`--encoding`).",
        )
    try:
        text = content.decode(_WESTERN)
    except UnicodeDecodeError:
        raise SourceRefused(
            f"{path.name}, line {number}: this is not UTF-8, nor {_WESTERN}.",
            next_step="say how the file is encoded, such as `--encoding iso-8859-2`, or save it as UTF-8.",
        ) from error
    return text, f"{_WESTERN}, since line {number} is not UTF-8"


def _not_encoded(path: Path, content: bytes, encoding: str, error: UnicodeError) -> SourceRefused:
    at = error.start if isinstance(error, UnicodeDecodeError) else 0
    number = content.count(b"\n", 0, at) + 1
    return SourceRefused(
        f"{path.name}, line {number}: this is not {encoding}.",
        next_step="say how the file is encoded (`--encoding`), or save it as UTF-8.",
    )
