"""Looking for predictions where none may be: in text, in the bytes of numbers, and in what is compressed."""

import re
import struct
from collections.abc import Iterable
from io import BytesIO

_DIGITS = 6
# A decimal fraction below one, however it goes on; an offset or a time has a digit before.
_NUMBER = re.compile(rb"(?<![\d.])0?\.(\d{%d,})" % _DIGITS)
_PARQUET = b"PAR1"


class Search:
    """Look for predictions in content of any kind: six digits of one are enough, cut off or rounded, or its bytes.

    Those below a thousandth are left out: other numbers have their digits too.
    """

    def __init__(self, predictions: Iterable[float]) -> None:
        self.predictions = sorted({p for p in predictions if 0.001 < p < 1})
        self._digits: set[bytes] = set()
        packed: list[bytes] = []
        for p in self.predictions:
            self._digits |= {f"{p:.17f}"[2 : 2 + _DIGITS].encode(), f"{p:.{_DIGITS}f}"[2:].encode()}
            packed += [struct.pack("<d", p), struct.pack(">d", p), struct.pack("<f", p)]
        self._packed = re.compile(b"|".join(map(re.escape, packed)))

    def found(self, content: bytes) -> bool:
        """Tell whether there is one."""
        if content.startswith(_PARQUET):
            content = _read(content)
        written = {digits[:_DIGITS] for digits in _NUMBER.findall(content)}
        return bool(written & self._digits) or self._packed.search(content) is not None


def _read(content: bytes) -> bytes:
    import pyarrow.parquet as pq

    return repr(pq.read_table(BytesIO(content)).to_pydict()).encode()
