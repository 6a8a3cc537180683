"""Models of parcels, better and worse ones, to be held against each other."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from daybreak.models.artifacts import digest_of, read_files
from daybreak.models.version import ModelVersion
from fixture_pipelines.parcel_hours.training import FEATURES, FIRST_DAY, TARGET, build
from parcels import Parcels

# With these days loaded there are ten that a model trained through 2024-03-12 has not seen and whose targets are known.
LAST_DAY, TRAINED = date(2024, 3, 23), date(2024, 3, 12)


def rows(parcels: Parcels, last: date = TRAINED) -> Any:
    """Read the rows that a model is fitted on."""
    from daybreak.training.past import Past

    return Past(parcels.workspace, parcels.pipeline, last).rows(FIRST_DAY, last - timedelta(days=1)).to_pandas()


def fitted(parcels: Parcels, regressor: Any = None, target: Any = None) -> tuple[Any, Any]:
    """Fit a tree, or another regressor, on the hours taken or on another target; return it with a sample."""
    from sklearn.tree import DecisionTreeRegressor

    found = rows(parcels)
    model = build(regressor or DecisionTreeRegressor(min_samples_leaf=2, random_state=0))
    model.fit(found[FEATURES], found[TARGET] if target is None else target)
    return model, found[FEATURES].head(20)


def constant(hours: float) -> Any:
    """Make a regressor that knows one answer."""
    from sklearn.dummy import DummyRegressor

    return DummyRegressor(strategy="constant", constant=hours)


def folder(version: ModelVersion) -> Path:
    """Return where the artifact of a version is."""
    return Path(version.uri.removeprefix("file://"))


def altered(parcels: Parcels, version: ModelVersion) -> ModelVersion:
    """Return the version as it would be had it been registered with the files that are there now."""
    digest = digest_of(read_files(version.uri) or {})
    parcels.execute(
        f"UPDATE model_version_tags SET value = '{digest}' WHERE key = 'digest' AND version = {version.version}",
        f"UPDATE ledger.trusted_versions SET digest = '{digest}' WHERE version = {version.version}",
    )
    return replace(version, digest=digest)
