"""Row hash: a number for each row's values in some columns, the same wherever the values are."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def hash_rows(rows: "pa.RecordBatch", columns: Iterable[str]) -> "np.ndarray":
    """Return a 64-bit hash of each row; rows of equal values have equal hashes."""
    import pandas as pd
    import pyarrow as pa

    names = list(columns)
    values = pa.table([_hashable(rows.column(name)) for name in names], names=names)
    return pd.util.hash_pandas_object(values.to_pandas(), index=False).to_numpy()


def _hashable(column: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    # Days and instants as the numbers they are: Python's own know neither 24:00 nor years before the first.
    if pa.types.is_date32(column.type):
        return column.view(pa.int32())
    if pa.types.is_timestamp(column.type) or pa.types.is_time64(column.type):
        return column.view(pa.int64())
    return column
