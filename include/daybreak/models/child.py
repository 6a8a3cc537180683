"""The child: a program that holds one model in an environment of its own, and answers questions on its standard input.

It is started by its path, alone and by another Python than ours, so it finds Daybreak only where it is told to. A
question is a line of JSON and as many bytes as that says; so is an answer. What a model prints goes to standard error:
an answer cannot be broken by it. It ends when its input does, with the process that asks.
"""

import json
import os
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from daybreak.models.answering import Answering

Told = Mapping[str, Any]
# MLflow's names of types as numpy has them; texts and times are what they are.
_KINDS = {"integer": "int32", "long": "int64", "float": "float32", "double": "float64", "boolean": "bool"}


class LoadedByMlflow:
    """A model of whatever kind, as MLflow loads it: it can only predict, rows of exactly the types that were logged."""

    def __init__(self, folder: str, columns: Sequence[Sequence[str]]) -> None:
        import mlflow.pyfunc

        self._model = mlflow.pyfunc.load_model(folder)
        self._kinds = {name: _KINDS[kind] for name, kind in columns if kind in _KINDS}

    def predict(self, frame: "pd.DataFrame") -> Any:
        """Predict; raises where a column has no value in its type, such as a null in whole numbers."""
        return self._model.predict(frame.astype(self._kinds))


class Child:
    """What was asked for: the model that is opened, and the rows that are held."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._alone = threading.Lock()
        self._opened: Future[Any] = Future()
        self._held: dict[int, pd.DataFrame | Exception] = {}
        self._threads: ThreadPoolExecutor | None = None
        self.folder: str | None = None

    def open(self, told: Told, content: bytes) -> None:
        """Begin to open a model; whatever comes of it is the answer to the first question."""
        self.folder = told["folder"]

        def opened() -> None:
            try:
                if told["folder"] is not None:
                    self._opened.set_result(LoadedByMlflow(told["folder"], told["columns"]))
                else:
                    from daybreak.models.opening import open_skops

                    self._opened.set_result(open_skops(content, told["called"], told["restore"]))
            except BaseException as error:
                self._opened.set_exception(_refusal(error, told))

        threading.Thread(target=opened, daemon=True).start()

    def rows(self, told: Told, content: bytes) -> None:
        """Hold rows, as the model takes them, until they are let go."""
        import pyarrow as pa

        try:
            [batch] = pa.ipc.open_stream(content)
            self._held[told["rows"]] = batch.to_pandas(date_as_object=True)
        except Exception as error:
            self._held[told["rows"]] = error

    def forget(self, told: Told, _: bytes) -> None:
        """Let rows go."""
        del self._held[told["rows"]]

    def wait(self, told: Told, _: bytes) -> None:
        """Answer once the model is open."""
        self._answer(told["id"], self._done)

    def check(self, told: Told, _: bytes) -> None:
        """Answer whether the model has what is declared."""
        self._answer(told["id"], partial(self._checked, told))

    def ask(self, told: Told, _: bytes) -> None:
        """Begin to predict a piece of the rows that are held."""
        if self._threads is None:
            self._opened.exception()  # threads are limited as they start, and only what is loaded by then
            self._threads = self._limited_threads()
        rows = self._held[told["rows"]]
        self._threads.submit(self._answer, told["id"], partial(self._predicted, told, rows))

    def _done(self) -> "np.ndarray":
        self._opened.result()
        import numpy as np

        return np.empty((0, 0))

    def _checked(self, told: Told) -> "np.ndarray":
        self._answering(told).refuse_other(self._opened.result(), told["called"])
        return self._done()

    def _predicted(self, told: Told, rows: "pd.DataFrame | Exception") -> "np.ndarray":
        model = self._opened.result()
        if isinstance(rows, Exception):
            raise rows
        return self._answering(told).values(model, rows.iloc[told["start"] : told["end"]])

    def _answering(self, told: Told) -> "Answering":
        from daybreak.models.answering import Answering

        return Answering.from_json(told["answering"])

    def _limited_threads(self) -> ThreadPoolExecutor:
        from threadpoolctl import threadpool_limits

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return ThreadPoolExecutor(cores, initializer=threadpool_limits, initargs=(1, "openmp"))

    def _answer(self, number: int, asked: Any) -> None:
        content = b""
        try:
            answered = asked()
            import numpy as np  # where it lacks, why the model could not be opened has been raised by now

            values = np.ascontiguousarray(answered, dtype=np.float64)
            told, content = {"id": number, "shape": values.shape}, values.tobytes()
        except BaseException as error:
            told = {"id": number, "raised": type(error).__name__, "text": str(error)[:2000]}
            # One of ours has a next step.
            told |= {name: getattr(error, name) for name in ("problem", "next_step") if hasattr(error, name)}
        with self._alone:
            self._answers.write(json.dumps(told | {"bytes": len(content)}).encode() + b"\n")
            self._answers.write(content)
            self._answers.flush()


def _refusal(error: BaseException, told: Told) -> BaseException:
    """Return what is said of a model that cannot be opened, which is no fault of the rows."""
    from daybreak.errors import DaybreakError, ModelRefused

    if isinstance(error, DaybreakError):
        return error
    text = " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(".")
    return ModelRefused(
        f"{told['called']} cannot be opened in its own environment ({text}).", next_step=told["restore"]
    )


def main(ours: str) -> None:
    """Answer until there are no more questions."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Ours alone, not what else is installed where it is.
    daybreak = ModuleType("daybreak")
    daybreak.__path__ = [ours]
    sys.modules["daybreak"] = daybreak
    from daybreak.garbage import collect_seldom

    collect_seldom()
    child, questions = Child(answers), sys.stdin.buffer
    while line := questions.readline():
        told = json.loads(line)
        content = questions.read(told["bytes"])
        if len(content) == told["bytes"]:
            getattr(child, told["do"])(told, content)
    if child.folder is not None:
        shutil.rmtree(child.folder, ignore_errors=True)
    # Whatever a thread is busy with, nobody waits for it.
    os._exit(0)


if __name__ == "__main__":
    main(str(Path(__file__).resolve().parents[1]))
