"""Pickles: a model in a pickle or joblib file, opened once by a process of its own and saved again as skops does.

To open a pickle is to run what its writer put into it. So that is done only for a model that a setting names, in a
process that is told no password, and never in a run: what is registered is the skops file.
"""

import io
import subprocess
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from daybreak.errors import ModelRefused
from daybreak.settings import environment_of
from daybreak.training.fresh_process import fresh_process, serve
from daybreak.training.trial import values_of, written

if TYPE_CHECKING:
    import pyarrow as pa

_SECONDS = 600
# What a process needs to find its libraries and to speak the same language; nothing that it could log in with.
_KNOWN = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "OMP_WAIT_POLICY")
# Of an answer: how many bytes its first part has.
_LENGTH = 8


@dataclass(frozen=True)
class Resaved:
    """A skops file that nothing has judged yet, and what the model predicted for the sample before it was saved."""

    skops: bytes
    predicted: bytes


def resaved(content: bytes, what: str, method: str, sample: "pa.RecordBatch") -> Resaved:
    """Open a pickle in a process of its own and save the model as a skops file.

    Raises ModelRefused where it cannot be opened, is of another minor version of scikit-learn, or holds what skops
    cannot save.
    """
    rows = written(sample)
    asked = b"".join([f"{method}\n".encode(), len(rows).to_bytes(_LENGTH, "big"), rows, content])
    try:
        done = fresh_process("daybreak.training.pickles", environment_of(*_KNOWN)).ask(asked, _SECONDS)
    except subprocess.TimeoutExpired:
        raise ModelRefused(
            f"{what} was not opened within {_SECONDS} s.", next_step="save it as a skops file where it was fitted."
        ) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ModelRefused(
            f"{what} cannot be used here: {lines[-1][:300] if lines else f'the process ended with {done.returncode}'}.",
            next_step="save it with the versions that `daybreak doctor` shows, or as a skops file where it was fitted.",
        )
    length = int.from_bytes(done.stdout[:_LENGTH], "big")
    return Resaved(done.stdout[_LENGTH : _LENGTH + length], done.stdout[_LENGTH + length :])


def _answer(asked: BinaryIO, answered: BinaryIO) -> None:
    import joblib
    import pyarrow as pa
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning

    method = asked.readline().decode().strip()
    rows = pa.ipc.open_stream(asked.read(int.from_bytes(asked.read(_LENGTH), "big"))).read_all()
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        model: Any = joblib.load(io.BytesIO(asked.read()))
    saved = skops.io.dumps(model)
    answered.write(len(saved).to_bytes(_LENGTH, "big"))
    answered.write(saved)
    answered.write(values_of(model, method, rows.to_pandas()).tobytes())


if __name__ == "__main__":
    serve(_answer, ["joblib", "pandas", "pyarrow", "skops.io"])
