"""Score: chunks through the model; what it cannot score is found row by row and counted, never dropped."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np

from daybreak.batch.chunk import Chunk, Rejected, Scored
from daybreak.batch.signature import Signature
from daybreak.declaration.prediction import Label, Prediction
from daybreak.errors import DaybreakError, ScoringFailed
from daybreak.models.answering import Answering
from daybreak.models.asking import Asked, asked

# Most rows in one call of the model: few enough to stay in a core's cache, enough to make the call worth it. It decides
# which rows are predicted together, so it may depend on nothing that differs when a run is derived again.
PIECE_ROWS = 16_384
# How far the probabilities of all classes may be from 1 together; some models reckon with seven digits.
_ROUNDED = 1e-6


class ModelScoring:
    """Rows on their way through one loaded model.

    ``budget`` is how many rows may fail before the run stops. ``reject`` is called with the rows that failed.
    ``rows`` is what messages call the rows, ``positive`` the value of the target that the pipeline declares.
    """

    def __init__(
        self,
        model: Any,
        signature: Signature,
        prediction: Prediction,
        budget: int,
        reject: Callable[[Rejected], None],
        rows: str = "rows",
        *,
        positive: Label | None = None,
        withhold_texts: bool = False,
    ) -> None:
        self._model = model
        self._signature = signature
        self._prediction = prediction
        self._answering = Answering.by(prediction, positive)
        self._budget = budget
        self._reject = reject
        self._rows = rows
        self._withhold_texts = withhold_texts
        self.failed = 0
        self.scored = 0

    def start(self, chunk: Chunk, threads: ThreadPoolExecutor) -> Callable[[], Scored]:
        """Begin to score a chunk; what is returned waits for it and returns what was scored."""
        rows = asked(self._model, self._answering, self._signature.conform(chunk.rows))
        pieces = [(start, rows.cut(start, end)) for start, end in _pieces(len(rows))]
        predicted = [piece.begin(threads) for _, piece in pieces]

        def finished() -> Scored:
            try:
                return self._finished(chunk, pieces, predicted)
            finally:
                rows.let_go()

        return finished

    def _finished(
        self, chunk: Chunk, pieces: list[tuple[int, Asked]], predicted: list[Callable[[], np.ndarray]]
    ) -> Scored:
        # Column after column, as they are written.
        values = np.full((chunk.rows.num_rows, len(self._prediction.columns)), np.nan, order="F")
        reasons: dict[int, str] = {}
        for (start, piece), answered in zip(pieces, predicted, strict=True):
            self._fill(answered, piece, start, values, reasons)
        for position, reason in outside(self._prediction, values).items():
            reasons.setdefault(position, reason)
        self.scored += len(values) - len(reasons)
        further = dict(zip(self._prediction.further, values.T[1:], strict=True))
        scored = Scored(chunk, values[:, 0], further=further)
        if not reasons:
            return scored
        positions = np.fromiter(sorted(reasons), dtype=np.int64)
        self.failed += len(positions)
        self._reject(Rejected("score", chunk.at(positions), [[reasons[int(p)]] for p in positions]))
        self._refuse_overdraft(reasons[int(positions[0])])
        kept = np.ones(len(values), dtype=bool)
        kept[positions] = False
        return scored.keep(kept)

    def _fill(
        self,
        predicted: Callable[[], np.ndarray],
        rows: Asked,
        start: int,
        values: np.ndarray,
        reasons: dict[int, str],
    ) -> None:
        # Where the model raises, halve until the row that makes it raise stands alone: its neighbours get their
        # predictions, at the price of about 2·log2(rows) further calls for each such row.
        try:
            values[start : start + len(rows)] = predicted()
        except (DaybreakError, MemoryError):
            raise
        except Exception as error:
            if len(rows) == 1:
                reasons[start] = f"the model raised {type(error).__name__}"
                if self.failed + len(reasons) > self._budget:
                    self.failed += len(reasons)
                    text = "its text is withheld" if self._withhold_texts else _brief(error)
                    self._refuse_overdraft(f"{reasons[start]}: {text}")
                return
            half = len(rows) // 2
            for piece, at in ((rows.cut(0, half), start), (rows.cut(half, len(rows)), start + half)):
                self._fill(piece.values, piece, at, values, reasons)

    def _refuse_overdraft(self, example: str) -> None:
        if self.failed > self._budget:
            raise ScoringFailed(
                f"{self.failed:,} {self._rows} could not be scored, {self._budget:,} are allowed ({example}).",
                next_step="look at the rows in ledger.quarantine and at the model's version in `daybreak models`.",
            )


def outside(prediction: Prediction, values: np.ndarray) -> dict[int, str]:
    """Return the rows that are outside of the output contract, by their position, each with the reason.

    The value itself stays out of it: a prediction that may not be kept must not leak through it.
    """
    with np.errstate(invalid="ignore"):
        wrong = ~np.isfinite(values) | (values < prediction.low) | (values > prediction.high)
        if prediction.labels:
            wrong |= values != np.floor(values)
        if prediction.classes:
            wrong[:, 0] = False  # the position of one of them
    positions = np.flatnonzero(wrong.any(axis=1))
    reasons = {
        int(position): f"{prediction.columns[column]}: not a number from {prediction.low:g} to {prediction.high:g}"
        for position, column in zip(positions, wrong[positions].argmax(axis=1), strict=True)
    }
    if prediction.classes:
        with np.errstate(invalid="ignore"):
            apart = np.flatnonzero(np.abs(values[:, 1:].sum(axis=1) - 1) > _ROUNDED)
        reasons |= {int(at): "the probabilities of the classes do not add up to 1" for at in apart if at not in reasons}
    return reasons


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _pieces(rows: int) -> list[tuple[int, int]]:
    pieces = -(-rows // PIECE_ROWS)
    return [(rows * piece // pieces, rows * (piece + 1) // pieces) for piece in range(pieces)]


def scoring_threads() -> ThreadPoolExecutor:
    """Start one thread for each core; a model called in it starts none of its own through OpenMP.

    Pieces side by side need not wait for each other as the threads of one call do, which spin while other stages have
    the core.
    """
    from joblib import cpu_count

    def limit() -> None:
        # When the first thread starts, the model's libraries are loaded.
        import threadpoolctl  # noqa: F401 - one of the modules that are counted

        _openmp(len(sys.modules)).limit(limits=1)

    return ThreadPoolExecutor(cpu_count(), thread_name_prefix="daybreak-score", initializer=limit)


@lru_cache(maxsize=1)
def _openmp(_modules: int) -> Any:
    """Find what is loaded of OpenMP.

    To look through all libraries takes ten milliseconds; while no module is imported, none is loaded.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="openmp")
