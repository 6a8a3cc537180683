"""Pickles: a model in a pickle or joblib file, opened once by a process of its own and saved again as skops does.

To open a pickle is to run what its writer put into it. So that is done only for a model that a setting names, in a
process that is told no password, and never in a run: what is registered is the skops file.
"""

import io
import json
import subprocess
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from daybreak.errors import ModelRefused
from daybreak.models.answering import Answering
from daybreak.settings import environment_of
from daybreak.training.fresh_process import fresh_process, serve
from daybreak.training.taken import features, scored
from daybreak.training.trial import written

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


def resaved(content: bytes, what: str, answering: Answering, sample: "pa.Table", unnamed: list[str]) -> Resaved:
    """Open a pickle in a process of its own and save the model as a skops file.

    ``unnamed`` are the columns of the sample that it takes where it names none itself. Raises ModelRefused where it
    cannot be opened, is of another minor version of scikit-learn, or holds what skops cannot save.
    """
    [batch] = sample.combine_chunks().to_batches()
    rows = written(batch)
    told = json.dumps({"answering": answering.to_json(), "unnamed": unnamed, "rows": len(rows)})
    asked = b"".join([told.encode(), b"\n", rows, content])
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

    told = json.loads(asked.readline())
    rows = pa.ipc.open_stream(asked.read(told["rows"])).read_all()
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        model: Any = joblib.load(io.BytesIO(asked.read()))
    saved = skops.io.dumps(model)
    answered.write(len(saved).to_bytes(_LENGTH, "big"))
    answered.write(saved)
    # A sample that it does not take is refused, and by a better word, by who has asked.
    with suppress(Exception):
        answering = Answering.from_json(told["answering"])
        _, predicted = scored(model, answering, features(model, rows, told["unnamed"]))
        answered.write(predicted.tobytes())


if __name__ == "__main__":
    serve(_answer, ["joblib", "pandas", "pyarrow", "skops.io"])
