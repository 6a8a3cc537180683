"""What can go wrong with a registered model: altered, of a foreign type, a pickle, out of reach, trained on nothing."""

import pickle
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from daybreak.errors import ModelRefused, SourceRefused, WarehouseUnavailable
from daybreak.models.version import ModelVersion
from daybreak.training.train import train
from daybreak.workspace import Workspace
from models import altered, fitted, folder
from parcels import DAY, Parcels


class Opened:
    """Say when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (_open, ())


def _open() -> None:
    raise AssertionError("it was opened")


def registered(parcels: Parcels) -> ModelVersion:
    return parcels.register(*fitted(parcels))


def with_settings(parcels: Parcels, **changes: Any) -> Parcels:
    return Parcels(Workspace(parcels.workspace.settings.model_copy(update=changes)), parcels.pipeline)


def test_an_altered_artifact_is_refused_before_it_is_opened(parcels: Parcels) -> None:
    version = registered(parcels)
    (folder(version) / "model.skops").write_bytes(pickle.dumps(Opened()))
    with pytest.raises(ModelRefused, match="was changed since it was registered"):
        parcels.workspace.registry.load(version)


def test_a_pickle_is_never_opened(parcels: Parcels) -> None:
    version = registered(parcels)
    (folder(version) / "model.skops").unlink()
    (folder(version) / "model.pkl").write_bytes(pickle.dumps(Opened()))
    with pytest.raises(ModelRefused, match=r"holds no model\.skops, and no other kind is loaded"):
        parcels.workspace.registry.load(altered(parcels, version))
    (folder(version) / "model.skops").write_bytes(pickle.dumps(Opened()))
    with pytest.raises(ModelRefused, match=r"holds .* which no run loads|cannot be opened"):
        parcels.workspace.registry.load(altered(parcels, version))


def test_a_type_outside_of_the_allow_list_is_never_loaded(parcels: Parcels) -> None:
    import skops.io
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    version = registered(parcels)
    model = make_pipeline(FunctionTransformer(_open))
    (folder(version) / "model.skops").write_bytes(skops.io.dumps(model))
    with pytest.raises(
        ModelRefused, match=r"holds .*_open, which no run loads\. Next: make it of scikit-learn's own estimators"
    ):
        parcels.workspace.registry.load(altered(parcels, version))


def as_it_is(values: Any) -> Any:
    return values


def test_what_no_run_would_load_is_not_registered(parcels: Parcels) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    model, sample = fitted(parcels)
    storage = Path(parcels.workspace.settings.models.removeprefix("file://"))
    before = sorted(storage.rglob("*"))
    with pytest.raises(ModelRefused, match=r"^The model that was fitted for parcel_hours holds .*as_it_is, which"):
        parcels.register(make_pipeline(FunctionTransformer(as_it_is), model), sample)
    assert [version.version for version in parcels.workspace.registry.versions("parcel_hours")] == [1]
    assert sorted(storage.rglob("*")) == before


def test_a_tree_that_would_end_the_process_is_not_loaded(parcels: Parcels) -> None:
    import skops.io

    version = registered(parcels)
    model = parcels.workspace.registry.load(version)
    tree = model[-1].tree_
    state = tree.__getstate__()
    state["nodes"]["left_child"][0] = 2_000_000
    tree.__setstate__(state)
    (folder(version) / "model.skops").write_bytes(skops.io.dumps(model))
    with pytest.raises(ModelRefused, match=r"is damaged: a tree of \d+ nodes points to others\. Next: restore"):
        parcels.workspace.registry.load(altered(parcels, version))


def test_a_planned_run_finishes_from_the_cache_and_a_new_one_is_refused(parcels: Parcels) -> None:
    version = registered(parcels)
    expected = parcels.run(DAY) and parcels.forecasts()
    plan = parcels.plan(DAY)
    shutil.rmtree(folder(version))
    away = with_settings(parcels, registry_url=SecretStr("postgresql+psycopg2://nobody@127.0.0.1:1/registry"))
    assert away.runner.run(plan).publication.published  # type: ignore[union-attr]
    assert parcels.forecasts() == expected
    assert parcels.current() == [plan.run_id]
    with pytest.raises(WarehouseUnavailable, match="The model registry's database did not answer"):
        away.plan(DAY)
    with pytest.raises(ModelRefused, match="The artifact of parcel_hours version 2 is missing"):
        parcels.plan(DAY)


def test_a_registry_url_needs_to_name_no_driver(parcels: Parcels) -> None:
    version = registered(parcels)
    url = parcels.workspace.settings.registry_url.get_secret_value()  # type: ignore[union-attr]
    plain = with_settings(parcels, registry_url=SecretStr(url.replace("postgresql+psycopg2:", "postgresql:")))
    assert plain.workspace.settings.registry_url != parcels.workspace.settings.registry_url
    assert plain.workspace.registry.resolve(parcels.pipeline.single_ref).version == version.version
    assert plain.workspace.alias_store.get(parcels.pipeline.single_ref) == version.version


def test_what_the_cache_holds_is_checked_too(parcels: Parcels) -> None:
    version = registered(parcels)
    plan = parcels.plan(DAY)
    shutil.rmtree(folder(version))
    cached = parcels.workspace.settings.home / "cache" / "models" / version.digest
    with (cached / "model.skops").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelRefused, match="is missing"):
        parcels.runner.run(plan)


def test_an_artifact_that_was_altered_is_not_taken_from_the_cache(parcels: Parcels) -> None:
    version = registered(parcels)
    plan = parcels.plan(DAY)
    (folder(version) / "more").write_text("one file more")
    with pytest.raises(ModelRefused, match="was changed since it was registered"):
        parcels.runner.run(plan)


TRAINING = {
    "no rows": ("DELETE FROM parcels.handed_in WHERE parcel_id < 8000", "training.sql gives no row from 2024-03-05"),
    "constant": ("UPDATE parcels.handed_in SET hours_taken = 7", r"hours_taken is 7\.0 in all .* rows"),
    "all null": ("UPDATE parcels.handed_in SET hours_taken = NULL", "hours_taken is null in all"),
}


@pytest.mark.parametrize(("change", "problem"), TRAINING.values(), ids=TRAINING)
def test_training_data_that_nothing_can_be_learnt_from_is_refused(parcels: Parcels, change: str, problem: str) -> None:
    parcels.execute(change)
    with pytest.raises(SourceRefused, match=problem) as caught:
        train(parcels.workspace, parcels.pipeline, through=date(2024, 3, 9))
    assert "Next: " in str(caught.value)
    assert [version.version for version in parcels.workspace.registry.versions("parcel_hours")] == [1]
