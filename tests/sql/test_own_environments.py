"""Versions that are scored in environments of their own, declared or since they do not fit what is installed here."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

import pytest

from command_line import commands
from daybreak.declaration.segments import ModelRef
from daybreak.errors import DaybreakError, EnvironmentUnavailable, ModelRefused, WorkerRefused
from daybreak.models.answering import Answering
from daybreak.models.requirements import Requirements, requirements_of
from daybreak.models.version import library_versions
from daybreak.promotion.promoting import promote
from daybreak.run.plan import Plan
from daybreak.run.reproduce import Reproduction, reproduce
from daybreak.workspace import Workspace
from fixture_pipelines.parcel_hours.training import FEATURES
from models import altered, fitted, folder
from models import rows as training_rows
from own_environments import PACKAGES, install, owning
from parcels import TRAINED_THROUGH, Parcels, refused

MODEL = "parcel_hours"


@pytest.fixture
def own(parcels: Parcels) -> Parcels:
    return owning(parcels)


def pretend(parcels: Parcels, scikit_learn: str) -> None:
    """Say of all versions that they were trained with another scikit-learn."""
    parcels.execute(
        f"UPDATE model_version_tags SET value = '{scikit_learn}' WHERE key = 'library.scikit-learn'",
        f"""UPDATE ledger.trusted_versions SET libraries = libraries || '{{"scikit-learn": "{scikit_learn}"}}'""",
    )


def break_two(parcels: Parcels) -> None:
    parcels.execute("UPDATE parcels.handed_in SET zone = 'moon' WHERE parcel_id IN (8001, 8398)")


def test_it_is_published_quarantined_recorded_and_derived_again_as_one_of_this_process(own: Parcels) -> None:
    break_two(own)
    there = own.run()
    shown = own.answers()
    here = Parcels(own.workspace).run()
    assert (there.counts, shown) == (here.counts, own.answers())
    assert there.counts.rows_failed == 2
    query = "SELECT entity_key, reasons, payload FROM ledger.quarantine WHERE run_id = %s ORDER BY row_number"
    assert own.rows(query, 2) == own.rows(query, 3)
    recorded = own.rows("SELECT run_id, environment FROM ledger.run_segments ORDER BY run_id")
    assert recorded == [(1, None), (2, list(PACKAGES)), (3, None)]
    assert own.run_by_tasks().published
    assert own.answers() == shown
    assert reproduce(own.runner, 4) == Reproduction(4, 398, 0, [])
    own.execute(
        """UPDATE ledger.run_segments SET environment = '["numpy==1.9.0", "python==3.11.7"]' WHERE run_id = 4"""
    )
    assert reproduce(own.runner, 4).changed == ["numpy was 1.9.0, is 2.0.0, where parcel_hours is scored"]
    [changed] = reproduce(Parcels(own.workspace).runner, 4).changed
    assert changed == "parcel_hours was scored in an environment of its own, and is not now"


def test_a_worker_that_installed_something_else_is_refused(own: Parcels) -> None:
    plan = own.plan(origin="parcel_hours/a")
    assert plan.single_model.packages == PACKAGES
    [told] = own.workspace.own_environments.environments.folder.glob("*/packages.txt")
    told.write_text("numpy==2.0.1\npython==3.11.7\n")
    with pytest.raises(WorkerRefused, match=r"numpy==2\.0\.0, numpy==2\.0\.1 differs"):
        own.runner.run(Plan.from_json(json.loads(json.dumps(plan.to_json()))))


def test_one_of_another_scikit_learn_gets_one_by_itself(parcels: Parcels, caplog: pytest.LogCaptureFixture) -> None:
    before = parcels.answers()
    minor = library_versions()["scikit-learn"].split(".")[:2]
    other = f"{minor[0]}.{int(minor[1]) - 1}.0"
    pretend(parcels, other)
    install(parcels)
    parcels.run()
    parcels.plan()
    assert parcels.answers() == before
    assert caplog.text.count("it is scored in its own environment") == 1, "once a process, whatever it plans"
    assert f"version 1 was trained with scikit-learn {other}, here is" in caplog.text
    same = parcels.declared(model=ModelRef(MODEL, environment="same"))
    with refused(same, ModelRefused, f"was trained with scikit-learn {other}, here is", "environment of its own"):
        same.plan()


def test_one_of_a_scikit_learn_that_nobody_has_listed_is_refused(parcels: Parcels) -> None:
    pretend(parcels, "0.24.1")
    problem = "is of scikit-learn 0.24, of which nobody has listed what it may hold"
    with refused(parcels, ModelRefused, problem, "train it again"):
        parcels.plan()


RUN = """
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from own_environments import ModelRef
from parcels import Parcels
parcels = Parcels(Workspace(Settings(**{settings!r})))
assert parcels.declared(model=ModelRef("parcel_hours", environment="own")).run().publication
assert "sklearn" not in sys.modules, "it was loaded"
"""


def test_this_process_loads_no_scikit_learn_for_it(own: Parcels) -> None:
    settings = own.workspace.settings.model_dump(exclude_defaults=True)
    plain = {
        name: getattr(value, "get_secret_value", lambda value=value: str(value))() for name, value in settings.items()
    }
    program = [sys.executable, "-c", RUN.format(settings=plain)]
    done = subprocess.run(program, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_challenger_in_the_shadow_has_one_too(own: Parcels) -> None:
    shadowed = own.shadowed()
    challenger = own.challenge(*fitted(own))
    outcome = shadowed.run()
    assert outcome.shadow is not None
    assert (outcome.shadow.problem, outcome.shadow.rows_scored) == (None, 400)
    assert challenger.version == 2


def test_a_challenger_of_another_scikit_learn_is_judged_in_processes_of_its_own(parcels: Parcels) -> None:
    parcels.challenge(*fitted(parcels))
    minor = library_versions()["scikit-learn"].split(".")[:2]
    pretend(parcels, f"{minor[0]}.{int(minor[1]) - 1}.0")
    install(parcels)
    verdict = promote(parcels.workspace, parcels.pipeline, dry_run=True)
    [check] = [check for check in verdict.checks if check.name == "fresh process"]
    assert check.met, check.says


def foreign(parcels: Parcels) -> tuple[int, Requirements]:
    """Register a version of a kind that only MLflow loads, with a file in a folder below; return what it requires."""
    from mlflow import MlflowClient

    place = Path(parcels.workspace.settings.models.removeprefix("file://")) / "by_hand"
    (place / "data").mkdir(parents=True)
    (place / "data" / "hours.txt").write_text("2.5")
    (place / "model.py").write_text(HOURS)
    (place / "requirements.txt").write_text("mlflow==3.17.2\nhours==1.0\n")
    columns = json.dumps([{"name": "distance_km", "type": "double"}])
    flavors = {"python_function": {"loader_module": "hours"}, "hours": {"version": "1.0"}}
    (place / "MLmodel").write_text(json.dumps({"flavors": flavors, "signature": {"inputs": columns}}))
    client = MlflowClient(*[parcels.workspace.registry_url] * 2)
    required = requirements_of({"requirements.txt": b"mlflow==3.17.2\nhours==1.0\n"}, {}, "", by_mlflow=True)
    return int(client.create_model_version(MODEL, source=place.as_uri()).version), required


HOURS = """
from pathlib import Path
hours = float(Path(folder, "data", "hours.txt").read_text())
class Model:
    def predict(self, frame):
        return frame["distance_km"] * 0 + hours
"""


def test_a_model_that_only_mlflow_loads_is_used_where_a_setting_names_it(
    parcels: Parcels, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version, required = foreign(parcels)
    install(parcels, required, loader=True)
    settings = parcels.workspace.settings
    adopt = ("adopt", MODEL, "--version", version, "--trained-through", "2024-03-07")
    code, _, err = commands(monkeypatch, capsys, settings)(*adopt)
    assert code == 1
    assert "version 2 is a model of hours: to load it runs whatever its writer put into it. Next: if you trust" in err
    assert f"set DAYBREAK_PICKLED_MODELS={MODEL} where runs are" in err
    trusting = settings.model_copy(update={"pickled_models": MODEL})
    daybreak = commands(monkeypatch, capsys, trusting)
    code, out, err = daybreak(*adopt)
    assert code == 0, err
    assert f"Next: `daybreak promote {MODEL} --version {version}` judges it" in " ".join(out.split())
    parcels.promote(version)
    with refused(parcels, ModelRefused, "is a model of hours: to load it runs", "DAYBREAK_PICKLED_MODELS"):
        parcels.plan()
    there = Parcels(Workspace(trusting))
    there.run()
    assert set(there.answers().values()) == {(2.5,)}
    code, out, _ = daybreak("models", MODEL)
    told = "version 2 is a model of hours, which MLflow alone loads: it is scored in an environment of its own."
    assert told in " ".join(out.split())
    there.workspace.close()


def test_one_is_installed_ahead_of_time_and_said_to_be_there(
    own: Parcels, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    minor = library_versions()["scikit-learn"].split(".")[:2]
    daybreak = commands(monkeypatch, capsys, own.workspace.settings)
    code, out, _ = daybreak("environment", MODEL)
    assert (code, "it has no environment of its own" in out) == (0, True)
    pretend(own, f"{minor[0]}.{int(minor[1]) - 1}.0")
    code, out, _ = daybreak("environment", MODEL)
    assert (code, "It is installed:" in out, "numpy==2.0.0" in out) == (0, True, True)
    shutil.rmtree(own.workspace.own_environments.environments.folder)
    code, out, _ = daybreak("environment", MODEL, "--dry-run")
    assert (code, "It would be installed of:" in out, "threadpoolctl" in out) == (0, True, True)
    empty = own.workspace.settings.home / "wheels"
    empty.mkdir()
    bare = commands(monkeypatch, capsys, own.workspace.settings.model_copy(update={"wheels": empty}))
    code, _, err = bare("environment", MODEL)
    assert code == 1
    assert f"put the wheels that it lacks into {empty} (DAYBREAK_WHEELS)" in err
    code, out, _ = bare("environment", MODEL, "--json", "--dry-run")
    assert json.loads(out)["packages"] == []


FIT = """
import sys, pandas as pd, skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder
rows = pd.read_parquet(sys.argv[1] + "/rows.parquet")
columns = make_column_transformer((TargetEncoder(), ["zone"]), remainder="passthrough")
model = make_pipeline(columns, HistGradientBoostingRegressor(random_state=0)).fit(rows, rows["distance_km"] / 9)
open(sys.argv[1] + "/model.skops", "wb").write(skops.io.dumps(model))
pd.DataFrame({"hours": model.predict(rows)}).to_parquet(sys.argv[1] + "/hours.parquet")
"""
OLDER = "1.7.2"


def test_a_model_of_an_older_scikit_learn_predicts_what_it_did_where_it_was_fitted(
    parcels: Parcels, tmp_path: Path
) -> None:
    import pandas as pd

    here = library_versions()
    pinned = {name: here[name] for name in ("numpy", "pandas", "skops", "pyarrow")} | {"scikit-learn": OLDER}
    text = "".join(f"{name}=={version}\n" for name, version in pinned.items()).encode()
    required = requirements_of({"requirements.txt": text}, {}, "", by_mlflow=False)
    try:
        python = parcels.workspace.own_environments.environments.of(required, "the older one").python
    except DaybreakError as error:
        pytest.skip(f"needs scikit-learn {OLDER}: {error}")
    rows = training_rows(parcels)[FEATURES]
    rows.to_parquet(tmp_path / "rows.parquet")
    subprocess.run([python, "-c", FIT, str(tmp_path)], check=True)
    version = parcels.register(*fitted(parcels))
    place = folder(version)
    (place / "model.skops").write_bytes((tmp_path / "model.skops").read_bytes())
    (place / "requirements.txt").write_bytes(text)
    altered(parcels, version)
    pretend(parcels, OLDER)
    parcels.run()
    model = parcels.workspace.registry.load(parcels.workspace.registry.resolve(parcels.pipeline.single_ref))
    hours = Answering("predict").values(model, rows)[:, 0]
    assert hours.tobytes() == pd.read_parquet(tmp_path / "hours.parquet")["hours"].to_numpy().tobytes()
    assert len(set(parcels.answers().values())) > 10


def test_a_model_of_any_kind_is_loaded_by_mlflow_itself_in_its_environment(parcels: Parcels) -> None:
    import mlflow.pyfunc
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.models import infer_signature

    class Pace(mlflow.pyfunc.PythonModel):
        def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> pd.Series:
            return model_input["distance_km"] / 9 + model_input["zone"].str.len()

    rows = training_rows(parcels)[["distance_km", "zone"]]
    hours = Pace().predict(None, rows)
    here = library_versions()
    pinned = [f"{name}=={here[name]}" for name in ("numpy", "pandas", "pyarrow")]
    needed = [*pinned, f"mlflow=={mlflow.__version__}", f"cloudpickle=={installed_version('cloudpickle')}"]
    place = Path(parcels.workspace.settings.models.removeprefix("file://")) / "pace"
    mlflow.pyfunc.save_model(
        place, python_model=Pace(), signature=infer_signature(rows, hours), pip_requirements=needed
    )
    client = MlflowClient(*[parcels.workspace.registry_url] * 2)
    number = int(client.create_model_version(MODEL, source=place.as_uri()).version)
    trusting = Parcels(Workspace(parcels.workspace.settings.model_copy(update={"pickled_models": MODEL})))
    try:
        trusting.workspace.registry.adopt(MODEL, number, trained_through=TRAINED_THROUGH)
    except EnvironmentUnavailable as error:
        pytest.skip(f"needs MLflow in an environment of its own: {error}")
    trusting.promote(number)
    trusting.run()
    query = "SELECT parcel_id, distance_km / 9 + length(zone) FROM parcels.handed_in WHERE parcel_id = ANY(%s)"
    shown = {key[-1]: answer[0] for key, answer in trusting.answers().items()}
    assert len(shown) > 300
    assert shown == {key: pytest.approx(hours) for key, hours in parcels.rows(query, list(shown))}
    trusting.workspace.close()
