"""Trial: load models and score samples in a fresh process, where nothing that training left in memory can help."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from daybreak.models.answering import Answering
from daybreak.models.artifacts import Artifacts
from daybreak.models.version import ModelVersion, from_json, to_json
from daybreak.training.fresh_process import fresh_process, serve

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# A process that only imports scikit-learn takes seconds, and minutes where others keep the machine busy.
_SECONDS = 600


@dataclass(frozen=True)
class Trial:
    """A version, rows that it takes, and what this process predicts for them."""

    version: ModelVersion
    sample: "pa.RecordBatch"
    here: "np.ndarray"


def try_in_fresh_process(artifacts: Artifacts, answering: Answering, trials: Sequence[Trial]) -> str | None:
    """Return what went wrong, or None: each sample's predictions must be those made here, bit for bit."""
    samples = [written(trial.sample) for trial in trials]
    told = {
        "answering": answering.to_json(),
        "cache": str(artifacts.cache),
        "served": artifacts.served,
        "models": [to_json(trial.version) for trial in trials],
        "lengths": [len(sample) for sample in samples],
    }
    sent = b"".join([json.dumps(told).encode(), b"\n", *samples])
    try:
        done = fresh_process("daybreak.training.trial").ask(sent, _SECONDS)
    except subprocess.TimeoutExpired:
        return f"it took longer than {_SECONDS} s"
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        return f"it ended with {lines[-1][:300] if lines else done.returncode}"
    expected = b"".join(trial.here.tobytes() for trial in trials)
    return None if done.stdout == expected else "its predictions differ from those made in this process"


def written(sample: "pa.RecordBatch") -> bytes:
    """Return a batch as a stream of Arrow."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, sample.schema) as writer:
        writer.write_batch(sample)
    return bytes(sink.getvalue().to_pybytes())


def _answer(asked: BinaryIO, answered: BinaryIO) -> None:
    from pathlib import Path

    import pyarrow as pa

    from daybreak.models.registry import Registry
    from daybreak.models.storage import FolderStorage

    told = json.loads(asked.readline())
    registry = Registry("", FolderStorage(""), Artifacts(Path(told["cache"]), told["served"]))
    answering = Answering.from_json(told["answering"])
    for described, length in zip(told["models"], told["lengths"], strict=True):
        rows = pa.ipc.open_stream(asked.read(length)).read_all()
        model = registry.load(from_json(described))
        answered.write(answering.values(model, rows.to_pandas()).tobytes())


if __name__ == "__main__":
    serve(_answer, ["daybreak.models.registry", "pandas", "pyarrow", "skops.io", "upath"])
