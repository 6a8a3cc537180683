"""Limits: what the table of predictions can keep of a row, so that one row too large stops no other."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from daybreak.declaration.pipeline import Pipeline
from daybreak.tables.names import predictions_table
from daybreak.warehouse.database import Warehouse

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# PostgreSQL's limit of an index's row is 2,704 bytes: less what comes before the key in it, and fills it up.
KEY_BYTES = 2_672
# What a column takes in an index besides its bytes, or in all where its size is fixed.
_COLUMN_BYTES = 8
_CHARACTERS = sa.text(
    "SELECT attname, atttypmod - 4 FROM pg_attribute WHERE attrelid = to_regclass(:table) AND atttypmod > 4 "
    "AND atttypid IN ('character varying'::regtype, 'character'::regtype) AND NOT attisdropped"
)


@dataclass(frozen=True)
class Limits:
    """The columns of the primary key, and how many characters the table keeps of those that say so."""

    key: tuple[str, ...] = ()
    characters: Mapping[str, int] = field(default_factory=dict)

    def exceeded(self, rows: "pa.RecordBatch") -> "Generator[tuple[int, str]]":
        """Yield the position of each row that is larger than the table can keep, with which column, and by how much."""
        import numpy as np
        import pyarrow.compute as pc

        if self.key:
            sizes = np.sum([_bytes(rows.column(name)) + _COLUMN_BYTES for name in self.key], axis=0)
            for position in np.flatnonzero(sizes > KEY_BYTES):
                size = f"{sizes[position]:,} bytes, at most {KEY_BYTES:,} can be kept"
                yield int(position), f"{', '.join(self.key)}: entity key has {size}"
        for name, most in self.characters.items():
            if name in rows.schema.names and _is_text(rows.schema.field(name).type):
                lengths = pc.fill_null(pc.utf8_length(rows.column(name)), 0).to_numpy(zero_copy_only=False)
                for position in np.flatnonzero(lengths > most):
                    yield int(position), f"{name}: {lengths[position]:,} characters, the table keeps {most:,}"


def find_limits(warehouse: Warehouse, pipeline: Pipeline) -> Limits:
    """Return the limits of a pipeline's table."""
    with warehouse.begin() as connection:
        found = connection.execute(_CHARACTERS, {"table": predictions_table(pipeline)}).tuples()
        return Limits(pipeline.entity_key, {name: int(most) for name, most in found})


def _bytes(column: "pa.Array") -> "np.ndarray":
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (_is_text(column.type) or pa.types.is_binary(column.type)):
        return np.zeros(len(column), dtype=np.int64)
    lengths = pc.fill_null(pc.binary_length(column), 0).cast(pa.int64())
    return np.asarray(lengths.to_numpy(zero_copy_only=False))


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
