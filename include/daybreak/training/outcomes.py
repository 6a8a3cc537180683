"""Outcomes: what a target says happened, as numbers."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def outcomes(column: "pa.Array | pa.ChunkedArray", positive: str | float | None) -> np.ndarray:
    """Return a target as numbers, those that are not known as no number.

    Where one of its values is the ``positive`` one, that is 1 and the others are 0. Texts are compared without the
    blanks around them.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found = column
    if positive is not None and (isinstance(positive, str) or pa.types.is_string(column.type)):
        found = pc.equal(pc.utf8_trim_whitespace(column.cast(pa.string())), str(positive).strip())
    elif positive is not None:
        found = pc.equal(column.cast(pa.float64()), float(positive))
    return np.asarray(found.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
