"""Brought models: what somebody saved elsewhere, as a file or through MLflow, before anything of it is opened."""

import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from daybreak.errors import ModelRefused, StorageUnavailable
from daybreak.models.artifacts import Files
from daybreak.models.served import fault_of, is_served, served_client

if TYPE_CHECKING:
    from mlflow import MlflowClient

# What MLflow finds by its own names, and where it keeps files itself.
_OF_MLFLOW = ("models:/", "runs:/", "mlflow-artifacts:/")
_RUN = re.compile(r"runs:/(?P<id>[^/]+)/(?P<path>.+)")
_LOGGED = re.compile(r"models:/(?P<id>m-[^/@]+)")
_VERSION = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<number>\d+)|@(?P<alias>[^/@]+))")
_DESCRIPTION = "MLmodel"
_FLAVORS = ("sklearn", "lightgbm", "xgboost", "catboost")
# Classes that are read from their library's own format as they were saved, but for the labels of XGBoost's classes.
OWN_FORMATS = {
    ("xgboost", "XGBClassifier"),
    ("xgboost", "XGBRegressor"),
    ("catboost", "CatBoostClassifier"),
    ("catboost", "CatBoostRegressor"),
}


@dataclass(frozen=True)
class Brought:
    """A saved model: its bytes, what they are, and what was saved beside it.

    ``own`` names library and class where they are in the library's own format, which holds numbers and no code.
    ``columns`` are the names of its input where its writer noted them, ``example`` rows of it.
    """

    place: str
    content: bytes
    pickled: bool
    own: tuple[str, str] | None = None
    columns: tuple[str, ...] = ()
    example: bytes | None = None


def find(place: str, mlflow: str) -> Brought:
    """Read what lies at a path, at a URI of storage, or under one of MLflow's names; ``mlflow`` is whose names.

    Raises ModelRefused where there is no model, or one of a kind that no run loads.
    """
    if place.startswith(_OF_MLFLOW):
        return _described(place, _downloaded(place, mlflow))
    files = _read(place)
    return _described(place, files) if _DESCRIPTION in files else _single(place, files)


def _single(place: str, files: Files) -> Brought:
    if len(files) != 1:
        raise ModelRefused(
            f"{place} holds {len(files)} files and no {_DESCRIPTION}.",
            next_step="name the model's file, or a folder that MLflow saved a model into.",
        )
    [content] = files.values()
    return Brought(place, content, pickled=not _is_skops(content))


def _described(place: str, files: Files) -> Brought:
    """Take the model out of a folder as MLflow saves it."""
    import yaml

    try:
        described = yaml.safe_load(files[_DESCRIPTION])
        flavors: dict[str, Any] = described["flavors"]
        flavor = next((name for name in _FLAVORS if name in flavors), "none")
        own: dict[str, Any] = flavors.get(flavor) or {}
        inputs = json.loads((described.get("signature") or {}).get("inputs") or "[]")
        columns = tuple(str(column["name"]) for column in inputs if "name" in column)
        example = (described.get("saved_input_example_info") or {}).get("artifact_path")
    except (KeyError, TypeError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise ModelRefused(
            f"The {_DESCRIPTION} of {place} cannot be read ({type(error).__name__}).",
            next_step="save the model again with MLflow, or name its file.",
        ) from error
    name = str(own.get("pickled_model") or own.get("data") or "")
    if name not in files:
        raise ModelRefused(
            f"{place} holds no model of scikit-learn's kind (its flavors: {', '.join(flavors) or 'none'}).",
            next_step=f"register one that was saved by mlflow.{', mlflow.'.join(_FLAVORS)}.",
        )
    content = files[name]
    skops = _is_skops(content)
    found = Brought(place, content, not skops, columns=columns, example=files.get(str(example)))
    if skops or "pickled_model" in own:
        return found
    made = str(own.get("model_class") or own.get("model_type")).rpartition(".")[2]
    if (flavor, made) not in OWN_FORMATS:
        raise ModelRefused(
            f"{place} is a {made} of {flavor} in a format that is not read ({name}).",
            next_step="save it with skops where it was fitted (`skops.io.dump(model, FILE)`), and name that file.",
        )
    return replace(found, pickled=False, own=(flavor, made))


def _is_skops(content: bytes) -> bool:
    try:
        with ZipFile(io.BytesIO(content)) as file:
            return "schema.json" in file.namelist()
    except (BadZipFile, NotImplementedError, ValueError):
        return False


def _read(place: str) -> Files:
    from upath import UPath

    try:
        found = UPath(place)
        if found.is_file():
            return {found.name: found.read_bytes()}
        files = {path.name: path.read_bytes() for path in found.iterdir() if path.is_file()} if found.is_dir() else {}
    except ImportError as error:
        raise ModelRefused(
            f"{place} needs a library that is not installed ({error}).",
            next_step="install the extra of that storage: docs/sources.md names it.",
        ) from error
    except Exception as error:  # each kind of storage has errors of its own
        raise StorageUnavailable(
            f"{place} cannot be read ({type(error).__name__}).", next_step="check that it is there and may be read."
        ) from error
    if not files:
        raise ModelRefused(f"There is nothing at {place}.", next_step="name the file, or the folder, of a saved model.")
    return files


def _downloaded(place: str, mlflow: str) -> Files:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    with TemporaryDirectory() as folder:
        try:
            found = Path(
                download_artifacts(artifact_uri=_files_of(place, mlflow), dst_path=folder, tracking_uri=mlflow)
            )
        except (MlflowException, OSError) as error:
            if is_served(mlflow) and isinstance(error, MlflowException) and (fault := fault_of(error, mlflow)):
                raise fault from error
            raise ModelRefused(
                f"MLflow gives no {place}: {' '.join(str(error).split())[:200].rstrip('.')}.",
                next_step="check the name, and that `--mlflow` is the address of the MLflow that has it.",
            ) from error
        return {path.name: path.read_bytes() for path in found.iterdir() if path.is_file()}


def _files_of(place: str, mlflow: str) -> str:
    """Return where the files of a version, a run or a logged model are.

    MLflow would look its names up in a store of its own as well, and make that in the working directory.
    """
    client = served_client(mlflow) if is_served(mlflow) else _client(mlflow)
    if version := _VERSION.fullmatch(place):
        number = version["number"] or client.get_model_version_by_alias(version["name"], version["alias"]).version
        found: str = client.get_model_version_download_uri(version["name"], str(number))
    elif logged := _LOGGED.fullmatch(place):
        found = client.get_logged_model(logged["id"]).artifact_location
    elif run := _RUN.fullmatch(place):
        found = f"{client.get_run(run['id']).info.artifact_uri}/{run['path']}"
    else:
        return place
    return _files_of(found, mlflow)


def _client(url: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(url, url)
