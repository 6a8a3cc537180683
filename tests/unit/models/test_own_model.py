"""A model in an environment of its own answers as one of this process, and what goes wrong with it is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pytest
import skops.io

from daybreak.batch.chunk import Chunk, Rejected
from daybreak.batch.signature import CATEGORY, Signature
from daybreak.batch.top import AllRows
from daybreak.declaration.prediction import Prediction
from daybreak.declaration.segments import OTHER
from daybreak.errors import DaybreakError, EnvironmentUnavailable, ModelRefused, ScoringFailed
from daybreak.models.answering import Answering
from daybreak.models.artifacts import SKOPS
from daybreak.models.environments import Environment
from daybreak.models.own_model import OwnModel
from daybreak.models.version import ModelVersion
from daybreak.run.score import PIECE_ROWS, ModelScoring
from daybreak.run.segments import Scoring
from own_environments import laid_out

ROWS = 300
DRAW = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "amount": DRAW.normal(size=ROWS),
        "days": np.where(DRAW.random(ROWS) < 0.1, np.nan, DRAW.integers(0, 40, ROWS)),
        "place": DRAW.choice(["north", "south", "east"], ROWS),
    }
)
VALUES = (2 * FRAME["amount"] + FRAME["days"].fillna(0)).to_numpy()
KINDS = (("amount", "double"), ("days", "double"), ("place", "string"))
UNITS = Prediction("units", -1000, 1000)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return laid_out(tmp_path_factory.mktemp("environment") / "own", loader=True)


Started = Callable[..., OwnModel]


@pytest.fixture
def own_model(environment: Environment) -> Iterator[Started]:
    """Start a model by the text of its file, or a saved one; all have ended afterwards."""
    models: list[OwnModel] = []

    def started(model: Any, kinds: tuple[tuple[str, str], ...] = (("x", "double"),), seconds: float = 120) -> OwnModel:
        files, flavor = ({"model.py": dedent(model).encode()}, "sums") if isinstance(model, str) else (None, "sklearn")
        version = ModelVersion("churn", 3, "file:///m", "", date(2024, 3, 7), {}, Signature(kinds), {}, flavor=flavor)
        models.append(OwnModel(version, files or {SKOPS: skops.io.dumps(model)}, environment, seconds))
        return models[-1]

    yield started
    for model in models:
        model.close()


class Pass:
    """One pass of rows through a model, and what came of each."""

    def __init__(
        self, model: Any, rows: Any, *, budget: int = 0, chunk_rows: int = 1 << 20, kinds: Any = None, **how: Any
    ) -> None:
        self.rejected: list[Rejected] = []
        signature = Signature(kinds or (("x", "double"),))
        prediction = how.pop("prediction", UNITS)
        if not isinstance(rows, pa.RecordBatch):
            rows = pa.RecordBatch.from_pydict({"x": pa.array(rows, pa.float64())})
        scoring = ModelScoring(model, signature, prediction, budget, self.rejected.append, **how)
        chunks = [
            Chunk(rows.slice(start, chunk_rows), np.arange(start, min(start + chunk_rows, rows.num_rows)))
            for start in range(0, rows.num_rows, chunk_rows)
        ]
        done = list(Scoring(None, {OTHER: scoring}, AllRows()).predictions(chunks))
        self.values = np.concatenate([scored.values for scored in done])
        self.further = [list(scored.further.values()) for scored in done]
        self.failed = {
            int(number): reasons
            for rejected in self.rejected
            for number, reasons in zip(rejected.chunk.numbers, rejected.reasons, strict=True)
        }


DOUBLES = """
    class Model:
        def predict(self, frame):
            return frame["x"].to_numpy() * 2
"""


def families() -> Iterator[Any]:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, PoissonRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, TargetEncoder

    def piped(model: Any, encoder: Any) -> Any:
        columns = make_column_transformer((encoder, ["place"]), (SimpleImputer(), ["amount", "days"]))
        return make_pipeline(columns, model)

    one_hot = OneHotEncoder(sparse_output=False)
    all_classes = Prediction("c", 0, 1, method="predict_proba", classes=("no", "yes"))
    labels = np.where(np.median(VALUES) < VALUES, "yes", "no")
    yield pytest.param(piped(HistGradientBoostingRegressor(), TargetEncoder()), VALUES, UNITS, id="boosting")
    yield pytest.param(piped(RandomForestRegressor(20), one_hot), VALUES, UNITS, id="forest")
    yield pytest.param(piped(PoissonRegressor(), one_hot), np.abs(VALUES), UNITS, id="linear")
    yield pytest.param(piped(HistGradientBoostingClassifier(), one_hot), labels, all_classes, id="all classes")
    yes = Prediction("p", 0, 1, method="predict_proba", of="yes")
    yield pytest.param(piped(LogisticRegression(), one_hot), labels, yes, id="a class")


@pytest.mark.parametrize(("model", "target", "prediction"), families())
def test_it_predicts_the_same_bits_as_in_this_process(
    own_model: Started, model: Any, target: Any, prediction: Prediction
) -> None:
    model.fit(FRAME, target)
    # Of two pieces each, and with a column that has no value at all in the first of them.
    frame = pd.concat([FRAME] * (2 * PIECE_ROWS // ROWS), ignore_index=True)
    frame.loc[: PIECE_ROWS // 4, "days"] = np.nan
    [rows] = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks().to_batches()
    how: dict[str, Any] = {"kinds": KINDS, "prediction": prediction, "chunk_rows": len(frame) // 2 + 7}
    here, there = Pass(model, rows, **how), Pass(own_model(model, KINDS), rows, **how)
    assert there.values.tobytes() == here.values.tobytes()
    assert [[column.tobytes() for column in each] for each in there.further] == [
        [column.tobytes() for column in each] for each in here.further
    ]


def test_a_boosted_model_takes_its_categories(own_model: Started) -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="needs requirements/lightgbm.txt")
    frame = FRAME.assign(place=FRAME["place"].astype("category"))
    model = lightgbm.LGBMRegressor(n_estimators=8, n_jobs=1, verbose=-1).fit(frame, VALUES)
    rows = pa.RecordBatch.from_pandas(FRAME, preserve_index=False)
    kinds = (*KINDS[:2], ("place", CATEGORY))
    here, there = (Pass(each, rows, kinds=kinds) for each in (model, own_model(model, kinds)))
    assert there.values.tobytes() == here.values.tobytes()
    assert len(set(there.values)) > 2


def test_frames_are_answered_as_rows_of_a_run_are(own_model: Started) -> None:
    from sklearn.tree import DecisionTreeRegressor

    model = DecisionTreeRegressor(random_state=0).fit(FRAME[["amount"]], VALUES)
    answering, kinds = Answering("predict"), KINDS[:1]
    own = own_model(model, kinds)
    assert answering.values(own, FRAME[["amount"]]).tobytes() == answering.values(model, FRAME[["amount"]]).tobytes()
    texts = pd.concat([FRAME[["place"]]] * 2, ignore_index=True)
    lengths = own_model(
        """
        class Model:
            def predict(self, frame):
                return frame["place"].str.len()
        """,
        KINDS[2:],
    )
    assert answering.values(lengths, texts)[:, 0].tolist() == [float(len(place)) for place in texts["place"]]


def test_exactly_the_rows_that_break_it_fail_and_are_told_by_the_errors_name(own_model: Started) -> None:
    model = own_model("""
        class Model:
            def predict(self, frame):
                if (frame["x"] % 250 == 7).any():
                    raise ArithmeticError("cannot take this value")
                return frame["x"].to_numpy() % 1000
    """)
    done = Pass(model, range(2000), budget=8, chunk_rows=999)
    assert done.failed == {n: ["the model raised ArithmeticError"] for n in range(7, 2000, 250)}
    assert done.values.tolist() == [n % 1000 for n in range(2000) if n % 250 != 7]
    with pytest.raises(ScoringFailed, match=r"3 rows could not .*, 2 are allowed \(.*ArithmeticError: cannot take"):
        Pass(model, range(2000), budget=2)
    with pytest.raises(ScoringFailed, match="its text is withheld"):
        Pass(model, range(2000), budget=2, withhold_texts=True)


def test_what_it_prints_is_no_answer(own_model: Started) -> None:
    model = own_model("""
        import os, sys
        print("loading")
        class Model:
            def predict(self, frame):
                print("x" * 100_000)
                os.write(1, b"y" * 100_000)
                sys.stdout.flush()
                return frame["x"].to_numpy() * 2
    """)
    assert Pass(model, range(50), chunk_rows=10).values.tolist() == [2.0 * n for n in range(50)]


DIES = """
    import os, signal, sys
    class Model:
        asked = 0
        def predict(self, frame):
            Model.asked += 1
            if Model.asked > 2:
                print("out of luck", file=sys.stderr, flush=True)
                {how}
            return frame["x"].to_numpy() * 2
"""


@pytest.mark.parametrize(
    ("how", "kind", "told"),
    [
        ("os._exit(7)", ScoringFailed, "ended with exit code 7 before it had answered: out of luck"),
        ("os._exit(0)", ScoringFailed, "ended with exit code 0 before it had answered: out of luck"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", ScoringFailed, "ended by SIGSEGV before it had answered"),
        ("os.kill(os.getpid(), signal.SIGKILL)", EnvironmentUnavailable, "was killed: out of luck"),
        ("os.closerange(3, 50); import time; time.sleep(60)", EnvironmentUnavailable, "was killed"),
    ],
    ids=["exit", "as if it were done", "a wrong address", "killed", "closes its pipes"],
)
def test_one_that_dies_between_chunks_is_no_end_of_the_answers(
    own_model: Started, how: str, kind: type[DaybreakError], told: str
) -> None:
    model = own_model(DIES.format(how=how))
    with pytest.raises(kind, match=rf"^The process of churn version 3 in its own environment {told}"):
        Pass(model, range(100), chunk_rows=10, budget=1000)
    assert model.ended
    with pytest.raises(kind):
        Pass(model, range(100), budget=1000)


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("import os; os._exit(3)", ScoringFailed, "ended with exit code 3"),
        ("print('no card'); import os; os._exit(3)", ScoringFailed, "exit code 3 before it had answered: no card"),
        ("import nothing_of_that_name", ModelRefused, "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("raise ValueError('of another kind')", ModelRefused, r"cannot be opened .*\(ValueError: of another kind\)"),
    ],
    ids=["at once", "having printed why", "a library that it lacks", "raises"],
)
def test_one_that_cannot_be_opened_says_why(
    own_model: Started, text: str, kind: type[DaybreakError], told: str
) -> None:
    with pytest.raises(kind, match=told):
        own_model(text).wait()
    model = own_model(text)
    model.refuse_other(Answering("predict"), "churn version 3")
    with pytest.raises(kind, match=told):
        Pass(model, range(100), budget=1000)


def test_an_environment_without_the_libraries_says_what_is_missing(own_model: Started, tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression

    bare = laid_out(tmp_path / "bare")
    [path] = bare.folder.rglob("installed.pth")
    path.unlink()
    version = ModelVersion("churn", 3, "file:///m", "", date(2024, 3, 7), {}, Signature(()), {})
    model = OwnModel(version, {SKOPS: skops.io.dumps(LinearRegression())}, bare, 60)
    with pytest.raises(
        ModelRefused, match=r"cannot be opened in its own environment \(PackageNotFoundError: .* scikit-learn"
    ):
        model.wait()
    model.close()


HANGS = """
    import time
    class Model:
        def predict(self, frame):
            time.sleep(3600)
"""
# Python's lock is held all the while: nothing that it is sent is read.
DEAF = """
    import ctypes
    ctypes.PyDLL(None).sleep(3600)
"""


@pytest.mark.parametrize("text", [HANGS, DEAF], ids=["asked", "not even reading"])
def test_one_that_hangs_is_ended_after_the_time_it_has(own_model: Started, text: str) -> None:
    model = own_model(text, seconds=3)
    with pytest.raises(EnvironmentUnavailable, match=r"gave no answer for 3 s .* DAYBREAK_MODEL_TIMEOUT_SECONDS"):
        Pass(model, range(500_000), budget=1000)
    assert model.ended


def test_it_can_do_no_more_than_predict_where_mlflow_loads_it(own_model: Started) -> None:
    model = own_model(DOUBLES)
    model.refuse_other(Answering("predict_proba"), "churn version 3")
    with pytest.raises(ModelRefused, match=r"^churn version 3 has no method predict_proba"):
        Pass(model, range(3))


def test_mlflows_models_get_the_types_that_were_logged(own_model: Started) -> None:
    kinds = (("x", "integer"), ("y", "float"), ("z", "boolean"))
    model = own_model(
        """
        class Model:
            def predict(self, frame):
                assert [str(kind) for kind in frame.dtypes] == ["int32", "float32", "bool"], frame.dtypes
                return frame["x"]
        """,
        kinds,
    )
    rows = pa.RecordBatch.from_pydict({"x": [1, None, 3], "y": [1, 2, 3], "z": [True, False, True]})
    done = Pass(model, rows, kinds=kinds, budget=1)
    # A null is in no whole number; its neighbours have their predictions.
    assert (done.values.tolist(), list(done.failed)) == ([1.0, 3.0], [1])


def test_it_is_told_no_secret(own_model: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBREAK_WAREHOUSE_URL", "postgresql://reader:secret@warehouse/shop")
    monkeypatch.setenv("PGPASSWORD", "secret")
    model = own_model("""
        import os
        raise ValueError(sorted(os.environ))
    """)
    with pytest.raises(ModelRefused, match="ValueError") as told:
        model.wait()
    names = set(told.value.problem.partition("[")[2].partition("]")[0].replace("'", "").split(", "))
    assert names <= {"PATH", "HOME", "LANG", "TZ", "OMP_WAIT_POLICY", "LC_CTYPE"}


STARTS_ANOTHER = """
    import os, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    open({place!r}, "w").write(f"{{os.getpid()}} {{child.pid}}\\n")
    class Model:
        pass
"""
IS_BUSY = """
    import os, time
    class Model:
        def predict(self, frame):
            open({place!r}, "w").write(f"{{os.getpid()}}\\n")
            time.sleep(3600)
"""
ASKS = """
from datetime import date
from pathlib import Path
import pyarrow as pa
from daybreak.batch.signature import Signature
from daybreak.models.answering import Answering
from daybreak.models.environments import Environment
from daybreak.models.own_model import OwnModel
from daybreak.models.version import ModelVersion
version = ModelVersion("m", 1, "", "", date(2024, 3, 7), {{}}, Signature(()), {{}}, flavor="sums")
model = OwnModel(version, {{"model.py": {text!r}}}, Environment(Path({folder!r}), ()), 600)
model.held(pa.RecordBatch.from_pydict({{"x": [1.0]}}), Answering("predict")).values()
"""


def test_closing_it_ends_all_that_it_has_started(own_model: Started, tmp_path: Path) -> None:
    place = tmp_path / "processes"
    model = own_model(STARTS_ANOTHER.format(place=str(place)))
    model.wait()
    model.close()
    assert not [number for number in map(int, place.read_text().split()) if alive(number)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_it_ends_with_the_process_that_asks(environment: Environment, tmp_path: Path, how: signal.Signals) -> None:
    place = tmp_path / "processes"
    text = dedent(IS_BUSY).format(place=str(place)).encode()
    asks = ASKS.format(text=text, folder=str(environment.folder))
    asking = subprocess.Popen([sys.executable, "-c", asks], stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for(lambda: place.exists() and place.read_text().endswith("\n"))
    number = int(place.read_text())
    os.killpg(asking.pid, how)
    asking.wait()
    wait_for(lambda: not alive(number))


def alive(number: int) -> bool:
    return psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
