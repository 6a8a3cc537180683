"""Models that were fitted elsewhere: registered from files and from MLflow, adopted where others registered them."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer

from command_line import Daybreak, commands
from daybreak.declaration.pipeline import Retrain
from daybreak.errors import ConfigurationError
from daybreak.training.bringing import bring
from daybreak.training.brought import find
from daybreak.training.offered import Offered
from daybreak.training.samples import from_file
from fixture_pipelines.parcel_hours.training import FEATURES, TARGET
from models import constant, fitted, rows
from parcels import DAY, TRAINED_THROUGH, Parcels
from saved_models import by_mlflow, joblibbed, pickled, pickled_by_mlflow, skopsed

MODEL = "parcel_hours"


@pytest.fixture
def daybreak(parcels: Parcels, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Daybreak:
    return commands(monkeypatch, capsys, parcels.workspace.settings)


@pytest.fixture
def sample(parcels: Parcels, tmp_path: Path) -> Path:
    """Rows whose outcome is known."""
    path = tmp_path / "sample.parquet"
    rows(parcels)[[*FEATURES, TARGET]].to_parquet(path)
    return path


@pytest.mark.parametrize("saved", [skopsed, joblibbed, by_mlflow, pickled_by_mlflow])
def test_a_saved_model_is_registered_measured_and_publishes_what_it_predicted_where_it_was_fitted(
    parcels: Parcels,
    daybreak: Daybreak,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    saved: Callable[[Any, Path], Path],
) -> None:
    model, _ = fitted(parcels)
    place = saved(model, tmp_path / "brought")
    monkeypatch.setenv("DAYBREAK_PICKLED_MODELS", f"other, {MODEL}")
    through = ("--trained-through", TRAINED_THROUGH)
    code, out, err = daybreak("register", MODEL, "--from", place, *through, "--sample", sample, "--alias", "champion")
    assert code == 0, err
    assert f"{MODEL} version 2, trained through {TRAINED_THROUGH}, is the champion now." in out
    assert "rmse" in out
    assert f"Next: `daybreak run {MODEL}`." in out
    outcome = parcels.run()
    assert outcome.publication is not None
    assert parcels.last_run()["model_version"] == 2
    version = parcels.workspace.registry.resolve(parcels.pipeline.single_ref)
    loaded = parcels.workspace.registry.load(version)
    inputs = pd.read_parquet(sample)[FEATURES]
    assert (loaded.predict(inputs) == model.predict(inputs)).all()
    assert version.metrics["mae"] == pytest.approx(
        (model.predict(inputs) - pd.read_parquet(sample)[TARGET]).abs().mean(), rel=1e-9
    )


def test_a_sample_may_be_what_the_query_gives(parcels: Parcels, daybreak: Daybreak, tmp_path: Path) -> None:
    model, _ = fitted(parcels)
    place = skopsed(model, tmp_path / "model.skops")
    code, out, err = daybreak(
        "register", MODEL, "--from", place, "--trained-through", TRAINED_THROUGH, "--sample-from-extract"
    )
    assert code == 0, err
    assert "is the challenger now" in out
    assert f"Next: `daybreak promote {MODEL}`." in out


def test_what_a_run_would_refuse_and_why_nothing_is_measured_is_said_at_once(
    parcels: Parcels, daybreak: Daybreak, sample: Path, tmp_path: Path
) -> None:
    place = skopsed(fitted(parcels)[0], tmp_path / "model.skops")
    parcels.rewrite("features", "    zone,", "    zone = 'city' AS zone,")
    parcels.rewrite("features", "    pieces,", "")
    pd.read_parquet(sample).rename(columns={TARGET: "hours"}).to_parquet(sample)
    register = ("register", MODEL, "--from", place, "--trained-through", TRAINED_THROUGH, "--sample", sample)
    for further in ("--dry-run",), ():
        code, out, err = daybreak(*register, *further)
        assert code == 0, err
        told = " ".join(out.split())
        assert "Warning: The model takes pieces, which extract.sql does not give; takes zone as string, " in told
        assert "extract.sql gives bool. A run will refuse it. Next: mend sql/parcel_hours/extract.sql, or fit" in told
        assert "Warning: The sample has no column hours_taken, so nothing was measured. It has hours besides" in told
    code, out, err = daybreak(*register[:-2], "--sample-from-extract", "--dry-run")
    assert (code, "lacks pieces, which the model takes" in err) == (1, True), "there is no sample then"


def test_a_model_that_does_not_take_what_is_watched_is_refused_before_it_is_registered(
    parcels: Parcels, sample: Path, tmp_path: Path
) -> None:
    watching = parcels.declared(retrain=Retrain(features=("remark",), divergence=0.2)).pipeline
    place = skopsed(fitted(parcels)[0], tmp_path / "model.skops")
    offered = Offered(find(str(place), parcels.workspace.registry_url), from_file(sample), TRAINED_THROUGH)
    with pytest.raises(ConfigurationError, match="declares drift of remark, which its model does not take"):
        bring(parcels.workspace, watching, parcels.pipeline.single_ref, offered)
    assert len(parcels.workspace.registry.versions(MODEL)) == 1


def test_mlflows_own_example_will_do(parcels: Parcels, daybreak: Daybreak, tmp_path: Path) -> None:
    model, inputs = fitted(parcels)
    place = by_mlflow(model, tmp_path / "logged", input_example=inputs)
    code, out, err = daybreak("register", MODEL, "--from", place, "--trained-through", TRAINED_THROUGH)
    assert code == 0, err
    assert "version 2" in out


@pytest.mark.parametrize("name", ["models:/{model}/1", "models:/{model}@champion", "runs:/{run}/model"])
def test_a_version_of_the_registry_itself_is_registered_again_by_its_name(
    parcels: Parcels, daybreak: Daybreak, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    first = parcels.workspace.registry.resolve(parcels.pipeline.single_ref)
    run = re.search(r"/([0-9a-f]{32})/artifacts", first.uri)
    assert run
    told = ("--trained-through", TRAINED_THROUGH, "--sample", sample)
    code, out, err = daybreak("register", MODEL, "--from", name.format(model=MODEL, run=run[1]), *told)
    assert code == 0, err
    assert "version 2" in out
    again = parcels.workspace.registry.listed(MODEL)[0]
    assert again.lacks is None
    assert again.model is not None
    assert again.model.signature == first.signature
    # MLflow would leave a store of its own here.
    assert set(tmp_path.iterdir()) - before <= {tmp_path / "cache"}


class Calls:
    """A pickle that does something when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_opened_only_where_a_setting_names_the_model(
    parcels: Parcels, daybreak: Daybreak, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "was here"
    place = pickled(Calls(trace), tmp_path / "model.pkl")
    told = ("register", MODEL, "--from", place, "--trained-through", TRAINED_THROUGH, "--sample", sample)
    monkeypatch.setenv("DAYBREAK_PICKLED_MODELS", "parcel")
    code, _, err = daybreak(*told)
    assert code == 1
    assert "is a pickle: to open it runs whatever its writer put into it. Next: save it as a skops file" in err
    assert f"DAYBREAK_PICKLED_MODELS={MODEL}" in err
    assert not trace.exists()
    monkeypatch.setenv("DAYBREAK_PICKLED_MODELS", MODEL)
    code, _, err = daybreak(*told)
    assert (code, trace.exists()) == (1, True)
    assert "model.pkl has no method predict." in err
    assert [version.version for version in parcels.workspace.registry.versions(MODEL)] == [1]


def tells(path: Path) -> Any:
    """Return what, opened, writes down the environment that it finds."""
    return type(
        "Told",
        (),
        {"__reduce__": lambda self: (exec, (f"import os; open({str(path)!r}, 'w').write(str(dict(os.environ)))",))},
    )()


def test_what_opens_a_pickle_is_told_no_password(
    parcels: Parcels, daybreak: Daybreak, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    place = pickled(tells(seen), tmp_path / "model.pkl")
    monkeypatch.setenv("DAYBREAK_PICKLED_MODELS", MODEL)
    monkeypatch.setenv("PGPASSWORD", "secret")
    daybreak("register", MODEL, "--from", place, "--trained-through", TRAINED_THROUGH, "--sample", sample)
    told = seen.read_text()
    assert "PATH" in told
    assert "DAYBREAK" not in told
    assert "secret" not in told


@pytest.mark.parametrize(
    ("saved", "problem"),
    [
        (pickled, "predicts otherwise once it is saved as a skops file"),
        (skopsed, "cannot be used by a fresh process: its predictions differ"),
    ],
)
def test_a_model_that_answers_at_random_is_nobodys_champion(
    parcels: Parcels,
    daybreak: Daybreak,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    saved: Callable[[Any, Path], Path],
    problem: str,
) -> None:
    from sklearn.dummy import DummyClassifier

    rows = pd.read_parquet(sample)[FEATURES]
    model = DummyClassifier(strategy="uniform").fit(rows, [n % 2 for n in range(len(rows))])
    monkeypatch.setenv("DAYBREAK_PICKLED_MODELS", MODEL)
    told = ("--trained-through", TRAINED_THROUGH, "--sample", sample, "--alias", "champion")
    code, _, err = daybreak("register", MODEL, "--from", saved(model, tmp_path / "model"), *told)
    assert code == 1
    assert problem in err
    assert parcels.workspace.aliases(parcels.pipeline.single_ref).current() == 1


def own_function(values: Any) -> Any:
    return values


@pytest.mark.parametrize(
    ("changes", "problem", "next_step"),
    [
        ({"--from": "nowhere.skops"}, "There is nothing at", "name the file"),
        ({"--trained-through": "2100-01-01"}, "No model has seen 2100-01-01 yet", "last day of the rows"),
        ({"--sample": "lacking.parquet"}, "The sample lacks", "every column that it was fitted on"),
        ({"--sample": "empty.parquet"}, "has no rows", "rows of the model's input"),
        ({"--sample": "texts.xlsx"}, "is no file of rows", ".parquet"),
        ({"--sample": "unknown.parquet"}, "is null in 1 of", "leave the column out"),
        ({"--from": "constant.skops"}, "predicts 20 as something else than a number from 0 to", "another range"),
        ({"--from": "own.pkl"}, "cannot be used here", "save it"),
        ({"--from": "folder"}, "holds 2 files and no MLmodel", "name the model's file"),
        ({"--from": "models:/parcel_hours/77"}, "MLflow gives no models:/parcel_hours/77", "check the name"),
        ({"--from": "text.txt"}, "cannot be used here", "save it"),
        ({"--sample": None}, "Nothing says what rows", "--sample-from-extract"),
    ],
)
def test_what_cannot_be_brought_is_refused_in_one_line_and_nothing_is_registered(
    parcels: Parcels,
    daybreak: Daybreak,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str | None],
    problem: str,
    next_step: str,
) -> None:
    model, inputs = fitted(parcels)
    known = pd.read_parquet(sample).head(20)
    known.to_parquet(tmp_path / "small.parquet")
    known.drop(columns=FEATURES[0]).to_parquet(tmp_path / "lacking.parquet")
    known.head(0).to_parquet(tmp_path / "empty.parquet")
    known.assign(**{TARGET: known[TARGET].where(known.index != 3)}).to_parquet(tmp_path / "unknown.parquet")
    for name in ("texts.xlsx", "text.txt", "folder/a", "folder/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a text")
    skopsed(model, tmp_path / "model.skops")
    skopsed(constant(1e9).fit(inputs, [1e9] * 20), tmp_path / "constant.skops")
    pickled(FunctionTransformer(own_function), tmp_path / "own.pkl")
    monkeypatch.setenv("DAYBREAK_PICKLED_MODELS", MODEL)
    monkeypatch.chdir(tmp_path)
    told = {"--from": "model.skops", "--trained-through": str(TRAINED_THROUGH), "--sample": "small.parquet", **changes}
    code, _, err = daybreak(
        "register", MODEL, *(part for name, value in told.items() if value for part in (name, value))
    )
    assert code == 1, err
    line = err.splitlines()[-1]
    assert "Traceback" not in err
    assert problem in line.partition(" Next: ")[0]
    assert next_step in line.partition(" Next: ")[2]
    assert [version.version for version in parcels.workspace.registry.versions(MODEL)] == [1]


def test_what_a_fresh_process_cannot_use_gets_no_alias(
    parcels: Parcels, daybreak: Daybreak, sample: Path, tmp_path: Path
) -> None:
    from sklearn.dummy import DummyClassifier

    model, _ = fitted(parcels, DummyClassifier(strategy="uniform"), [row % 20 for row in range(len(rows(parcels)))])
    told = ("--trained-through", TRAINED_THROUGH, "--sample", sample)
    code, _, err = daybreak("register", MODEL, "--from", skopsed(model, tmp_path / "model.skops"), *told)
    assert code == 1
    assert "cannot be used by a fresh process: its predictions differ" in err
    assert "got no alias" in err
    assert parcels.workspace.aliases(parcels.pipeline.single_ref).current() == 1


def test_a_model_that_no_pipeline_declares_is_refused(daybreak: Daybreak, sample: Path) -> None:
    code, _, err = daybreak("register", "other", "--from", sample, "--trained-through", DAY, "--sample", sample)
    assert code == 1
    assert 'declare `model=ModelRef("other")`' in err


def test_a_dry_run_opens_and_tries_it_and_writes_nothing(
    parcels: Parcels, daybreak: Daybreak, sample: Path, tmp_path: Path
) -> None:
    model, _ = fitted(parcels)
    place = skopsed(model, tmp_path / "model.skops")
    told = ("--trained-through", TRAINED_THROUGH, "--sample", sample, "--dry-run")
    code, out, _ = daybreak("register", MODEL, "--from", place, *told)
    assert code == 0
    assert "It would be registered: a Pipeline of" in out
    assert [version.version for version in parcels.workspace.registry.versions(MODEL)] == [1]
