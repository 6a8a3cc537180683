"""Asking: rows go to a model, wherever it is, and come back as numbers, a piece at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from daybreak.models.answering import Answering
from daybreak.models.own_model import OwnModel
from daybreak.telemetry.run_context import carried
from daybreak.warehouse.frames import as_frame, refuse_unknown

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


class Asked(Protocol):
    """Rows as a model takes them."""

    def __len__(self) -> int: ...

    def cut(self, start: int, end: int) -> "Asked":
        """Take the rows from a position to another, which is left out."""
        ...

    def begin(self, threads: ThreadPoolExecutor) -> "Callable[[], np.ndarray]":
        """Begin to ask the model; what is returned waits for its answer, and raises what it raised."""
        ...

    def values(self) -> "np.ndarray":
        """Ask the model and wait."""
        ...

    def let_go(self) -> None:
        """Say that nothing more is asked, of these nor of what was cut from them."""
        ...


class FrameRows:
    """Rows for a model of this process."""

    def __init__(self, model: Any, answering: Answering, frame: "pd.DataFrame") -> None:
        self._model = model
        self._answering = answering
        self._frame = frame

    def __len__(self) -> int:
        return len(self._frame)

    def cut(self, start: int, end: int) -> "FrameRows":
        """Take the rows from a position to another, which is left out."""
        return FrameRows(self._model, self._answering, self._frame.iloc[start:end])

    def begin(self, threads: ThreadPoolExecutor) -> "Callable[[], np.ndarray]":
        """Begin to ask the model in a thread."""
        return threads.submit(carried(self.values)).result

    def values(self) -> "np.ndarray":
        """Ask the model."""
        return self._answering.values(self._model, self._frame)

    def let_go(self) -> None:
        """Do nothing: they go with whoever holds them."""


def asked(model: Any, answering: Answering, rows: "pa.RecordBatch") -> Asked:
    """Return rows as a model takes them; raise SourceRefused for a day or a time that Python does not know."""
    if isinstance(model, OwnModel):
        refuse_unknown(rows)
        return model.held(rows, answering)
    return FrameRows(model, answering, as_frame(rows))
