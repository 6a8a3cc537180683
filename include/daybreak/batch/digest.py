"""A digest of rows in Arrow: their names, types, values and order, whatever chunks they came in."""

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 1 << 20


class ArrowDigest:
    """The SHA-256 over tables, in the order in which they are added."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.rows = 0

    def add(self, table: "pa.Table") -> None:
        """Digest a table's columns one after the other."""
        self.rows += table.num_rows
        for field, column in zip(table.schema, table.columns, strict=True):
            self._digest.update(f"{field.name} {field.type} {table.num_rows}\n".encode())
            # Chunks are cut anew, so that the database's own say nothing.
            whole = column.combine_chunks()
            for start in range(0, len(column), _ROWS):
                self._add(whole.slice(start, _ROWS))

    def hexdigest(self) -> str:
        """Return the digest of what was added so far."""
        return self._digest.hexdigest()

    def _add(self, values: Any) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        self._digest.update(np.packbits(values.is_null().to_numpy(zero_copy_only=False)).tobytes())
        kind = values.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            self._digest.update(values.fill_null(0).to_numpy(zero_copy_only=False))
            return
        # What lies under a null, and before the first offset, is arbitrary.
        texts = values.cast(pa.large_string()).fill_null("")
        self._digest.update(pc.binary_length(texts).to_numpy(zero_copy_only=False))
        offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
        self._digest.update(memoryview(texts.buffers()[2] or b"")[offsets[0] : offsets[-1]])
