"""Looking for predictions where none may be: in text, in the bytes of numbers, and in what is compressed."""

import re
from collections.abc import Iterable
from io import BytesIO

import numpy as np

_PARQUET = b"PAR1"


class Search:
    """Look for predictions in content of any kind: their first digits, cut off or rounded, or the bytes of one.

    The more predictions there are, and other numbers beside them, the more ``digits`` it takes to tell them apart.
    Predictions below a thousandth are left out.
    """

    def __init__(self, predictions: Iterable[float], digits: int = 6) -> None:
        self.predictions = sorted({p for p in predictions if 0.001 < p < 1})
        self._digits = digits
        # A decimal fraction below one, however it goes on; in larger numbers and in times a digit comes before.
        self._number = re.compile(rb"(?<![\d.])0?\.(\d{%d})" % digits)
        cut, rounded = digits + 10, digits
        self._written = {f"{p:.{cut}f}"[2 : 2 + digits].encode() for p in self.predictions}
        self._written |= {f"{p:.{rounded}f}"[2:].encode() for p in self.predictions}
        packed = np.array(self.predictions, dtype="<f8").view("<u8")
        self._packed = np.sort(np.concatenate([packed, packed.byteswap()]))

    def found(self, content: bytes) -> bool:
        """Tell whether there is one."""
        if content.startswith(_PARQUET):
            content = _read(content)
        if not self._written.isdisjoint(self._number.findall(content)):
            return True
        return any(self._holds(content, start) for start in range(8))

    def _holds(self, content: bytes, start: int) -> bool:
        words = np.frombuffer(content, "<u8", max(len(content) - start, 0) // 8, min(start, len(content)))
        places = np.searchsorted(self._packed, words)
        return bool((self._packed.take(places, mode="clip") == words).any())


def _read(content: bytes) -> bytes:
    import pyarrow.parquet as pq

    return repr(pq.read_table(BytesIO(content)).to_pydict()).encode()
