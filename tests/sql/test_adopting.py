"""Versions that others registered by MLflow's client, adopted where they lie."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from command_line import Daybreak, commands
from models import fitted
from parcels import TRAINED_THROUGH, Parcels
from saved_models import by_mlflow

MODEL = "parcel_hours"


@pytest.fixture
def daybreak(parcels: Parcels, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Daybreak:
    return commands(monkeypatch, capsys, parcels.workspace.settings)


def foreign(parcels: Parcels, model: Any, sample: Any) -> int:
    """Register a version as somebody does who knows MLflow and not Daybreak; its files lie where ours do."""
    from mlflow import MlflowClient
    from mlflow.models import infer_signature

    settings = parcels.workspace.settings
    client = MlflowClient(*[parcels.workspace.registry_url] * 2)
    place = Path(settings.models.removeprefix("file://")) / "by_hand" / "model"
    by_mlflow(model, place, signature=infer_signature(sample, model.predict(sample)))
    return int(client.create_model_version(MODEL, source=place.as_uri()).version)


def test_a_version_of_others_is_adopted_once_somebody_says_what_it_has_seen(
    parcels: Parcels, daybreak: Daybreak
) -> None:
    version = foreign(parcels, *fitted(parcels))
    code, _, err = daybreak("adopt", MODEL, "--version", version)
    assert code == 1
    assert f"daybreak adopt {MODEL} --version {version} --trained-through DAY" in err
    code, out, err = daybreak("adopt", MODEL, "--version", version, "--trained-through", TRAINED_THROUGH)
    assert code == 0, err
    assert f"version {version} is adopted, trained through {TRAINED_THROUGH}" in out
    parcels.promote(version)
    assert parcels.run().publication is not None
    assert parcels.last_run()["model_version"] == version
    code, _, err = daybreak("adopt", MODEL, "--version", version, "--trained-through", date(2024, 3, 1))
    assert code == 1
    assert f"says itself through which day it was trained ({TRAINED_THROUGH})" in err
