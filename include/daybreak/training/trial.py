"""Trial: load a model and score a sample in a fresh process, where nothing that training left in memory can help."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Prediction
from daybreak.models.version import ModelVersion, from_json, to_json
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_SECONDS = 120


def try_in_fresh_process(
    workspace: Workspace, version: ModelVersion, prediction: Prediction, sample: "pa.RecordBatch", here: "np.ndarray"
) -> str | None:
    """Return what went wrong, or None: the sample's predictions must be those made ``here``, bit for bit."""
    import pyarrow as pa

    told = {
        "model": to_json(version),
        "method": prediction.method,
        "cache": str(workspace.settings.home / "cache" / "models"),
        "pickled": workspace.settings.pickled,
    }
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, sample.schema) as writer:
        writer.write_batch(sample)
    sent = json.dumps(told).encode() + b"\n" + sink.getvalue().to_pybytes()
    command = [sys.executable, "-m", "daybreak.training.trial"]
    try:
        done = subprocess.run(command, input=sent, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"it took longer than {_SECONDS} s"
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        return f"it ended with {lines[-1][:300] if lines else done.returncode}"
    return None if done.stdout == here.tobytes() else "its predictions differ from those made in this process"


def values_of(model: Any, method: str, frame: Any) -> "np.ndarray":
    """Return the predictions of a frame, as a run makes them."""
    import numpy as np

    values = model.predict_proba(frame)[:, 1] if method == "predict_proba" else model.predict(frame)
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _main() -> None:
    from pathlib import Path

    import pyarrow as pa

    from daybreak.models.artifacts import Artifacts
    from daybreak.models.registry import Registry

    told = json.loads(sys.stdin.buffer.readline())
    rows = pa.ipc.open_stream(sys.stdin.buffer.read()).read_all()
    registry = Registry("", "", Artifacts(Path(told["cache"]), told["pickled"]))
    model = registry.load(from_json(told["model"]))
    sys.stdout.buffer.write(values_of(model, told["method"], rows.to_pandas()).tobytes())


if __name__ == "__main__":
    _main()
