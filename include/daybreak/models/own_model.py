"""Own model: one that is scored in an environment of its own, and answers as one of this process does.

Rows are sent once and cut there as they are here, so that the types which a whole chunk has decide what the model sees.
"""

import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.models.answering import Answering, AsksElsewhere
from daybreak.models.artifacts import SKOPS, Files
from daybreak.models.environments import Environment
from daybreak.models.own_process import OwnProcess
from daybreak.models.version import ModelVersion

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


class OwnModel(AsksElsewhere):
    """A version's model in a child process, which is started at once and ends when this is not used any more.

    What is wrong with the model is raised by the first question, so that nobody waits for it to be opened.
    """

    def __init__(self, version: ModelVersion, files: Files, environment: Environment, seconds: float) -> None:
        called = f"{version.name} version {version.version}"
        self._process = process = OwnProcess(environment.python, called, seconds)
        self._numbers = count()
        self._checks: list[Callable[[], np.ndarray]] = []
        folder = _laid_out(files) if version.by_mlflow else None
        self._end = weakref.finalize(self, _ended, process, folder)
        process.tell(
            "open",
            b"" if version.by_mlflow else files[SKOPS],
            folder=folder,
            columns=version.signature.columns,
            called=f"The artifact of {called}",
            restore=f"restore {version.uri}, or choose another version with `--model-version`.",
        )

    @property
    def ended(self) -> bool:
        """Whether it will answer no more."""
        return self._process.ended

    def close(self) -> None:
        """End the process."""
        self._end()

    def refuse_other(self, answering: Answering, called: str) -> None:
        """Refuse a model that does not have what is declared, as the first question does."""
        self._checks.append(self._process.ask("check", answering=answering.to_json(), called=called))

    def opened(self) -> None:
        """Wait for the model to be open; raise what is wrong with it."""
        while self._checks:
            self._checks[0]()
            del self._checks[0]

    def wait(self) -> None:
        """Wait for the model to be open, whatever it has; raise why it cannot be opened."""
        self._process.ask("wait")()

    def held(self, rows: "pa.RecordBatch", answering: Answering) -> "HeldRows":
        """Send rows, to be asked about until they are let go."""
        import pyarrow as pa

        number, sink = next(self._numbers), pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_batch(rows)
        self._process.tell("rows", memoryview(sink.getvalue()), rows=number)
        return HeldRows(self, number, answering, 0, rows.num_rows)

    def values(self, answering: Answering, frame: "pd.DataFrame") -> "np.ndarray":
        """Return what ``Answering.values`` would of a model of this process."""
        rows = self.held(_batch(frame), answering)
        try:
            return rows.values()
        finally:
            rows.let_go()

    def ask(self, rows: "HeldRows") -> "Callable[[], np.ndarray]":
        """Ask about a piece of the rows that are held; what is returned waits for the answer."""
        where = {"rows": rows.number, "start": rows.start, "end": rows.end}
        waited = self._process.ask("ask", answering=rows.answering.to_json(), **where)

        def answered() -> "np.ndarray":
            self.opened()
            return waited()

        return answered

    def forget(self, number: int) -> None:
        """Let rows go."""
        self._process.tell("forget", rows=number)


class HeldRows:
    """A piece of rows that are held elsewhere."""

    def __init__(self, model: OwnModel, number: int, answering: Answering, start: int, end: int) -> None:
        self.model = model
        self.number = number
        self.answering = answering
        self.start = start
        self.end = end

    def __len__(self) -> int:
        return self.end - self.start

    def cut(self, start: int, end: int) -> "HeldRows":
        """Take the rows from a position to another, which is left out."""
        return HeldRows(self.model, self.number, self.answering, self.start + start, self.start + end)

    def begin(self, _: object = None) -> "Callable[[], np.ndarray]":
        """Begin to ask about them; what is returned waits for the answer."""
        return self.model.ask(self)

    def values(self) -> "np.ndarray":
        """Ask about them and wait."""
        return self.begin()()

    def let_go(self) -> None:
        """Say that nothing more is asked of them, nor of the rows that they were cut from."""
        self.model.forget(self.number)


def _batch(frame: "pd.DataFrame") -> "pa.RecordBatch":
    import pyarrow as pa

    # A column of texts may be of several pieces, which a batch cannot be made of at once.
    table = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
    return next(iter(table.to_batches()), None) or pa.RecordBatch.from_pylist([], schema=table.schema)


def _laid_out(files: Files) -> str:
    """Write files into a folder that is the child's, which removes it when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="daybreak-model-"))
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)


def _ended(process: OwnProcess, folder: str | None) -> None:
    with suppress(OSError):
        process.end()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
