"""Outcomes: what a target says happened, as numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from daybreak.declaration.prediction import Label
from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa


def positions(column: "pa.Array | pa.ChunkedArray", classes: Sequence[Label]) -> np.ndarray:
    """Return which of the classes a target is, by position: -1 for none of them, no number where it is not known.

    Texts are compared without the blanks around them. Raises ConfigurationError where texts cannot be the classes, or
    are one in other letters: `Yes` beside `yes` would be counted as something else.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if all(isinstance(label, str) for label in classes):
        values = pc.utf8_trim_whitespace(column.cast(pa.string()))
        wanted = pa.array([str(label).strip() for label in classes])
        _refuse_written_otherwise(values, wanted)
    else:
        try:
            values = column.cast(pa.float64())
            wanted = pa.array([float(label) for label in classes])
        except (ValueError, pa.ArrowInvalid) as error:
            raise ConfigurationError(
                f"The target holds texts that are none of the classes {', '.join(map(repr, classes))}.",
                next_step="declare the classes as the target has them.",
            ) from error
    found = pc.index_in(values, value_set=wanted).cast(pa.float64()).fill_null(-1)
    return np.where(column.is_valid().to_numpy(zero_copy_only=False), found.to_numpy(zero_copy_only=False), np.nan)


def outcomes(column: "pa.Array | pa.ChunkedArray", positive: Label | None) -> np.ndarray:
    """Return a target as numbers, those that are not known as no number.

    Where one of its values is the ``positive`` one, that is 1 and the others are 0. Texts are compared without the
    blanks around them. Raises ConfigurationError for texts of which none is said to be positive, or which are
    that value in other letters: `Yes` beside `yes` would be counted as what did not happen.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if positive is None and pa.types.is_string(column.type):
        raise ConfigurationError(
            "The target is a text, and none of its values is declared to be the positive one.",
            next_step='declare it beside the pipeline\'s `target`, such as `positive="Yes"`.',
        )
    found = column
    if positive is not None and (isinstance(positive, str) or pa.types.is_string(column.type)):
        values = pc.utf8_trim_whitespace(column.cast(pa.string()))
        wanted = str(positive).strip()
        _refuse_written_otherwise(values, pa.array([wanted]))
        found = pc.equal(values, wanted)
    elif positive is not None:
        found = pc.equal(column.cast(pa.float64()), float(positive))
    return np.asarray(found.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _refuse_written_otherwise(values: "pa.Array | pa.ChunkedArray", wanted: "pa.Array") -> None:
    import pyarrow.compute as pc

    lower = pc.is_in(pc.utf8_lower(values), value_set=pc.utf8_lower(wanted))
    others = pc.unique(values.filter(pc.and_not(lower, pc.is_in(values, value_set=wanted))))
    # Declared classes may differ in their letters alone.
    if len(others):
        raise ConfigurationError(
            f"The target holds {others[0].as_py()!r}, and {', '.join(map(repr, wanted.to_pylist()))} is declared.",
            next_step="write it in one way: in the source, or in the declaration.",
        )
