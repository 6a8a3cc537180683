"""Storage: where the files of versions and of their trainings are kept, a folder of ours or an MLflow server."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from daybreak.models.served import STORAGE

if TYPE_CHECKING:
    from mlflow import MlflowClient


class Storage(Protocol):
    """Keep files."""

    @property
    def below(self) -> str:
        """What the URI of everything that is kept begins with."""

    def experiment(self, model: str, /) -> str | None:
        """Return where an experiment keeps what its runs have, None where that is not for us to say."""

    def keep(self, client: "MlflowClient", model: str, run_id: str, files: Mapping[str, bytes], folder: str, /) -> str:
        """Keep files in a folder of a run's artifacts, those of none if it is empty; return the folder's URI."""


@dataclass(frozen=True)
class FolderStorage:
    """A folder, or a prefix in a bucket, that holds a folder of each model and in it one of each run."""

    below: str

    def experiment(self, model: str, /) -> str | None:
        """Return the folder of a model."""
        return f"{self.below}/{model}"

    def keep(self, _client: "MlflowClient", model: str, run_id: str, files: Mapping[str, bytes], folder: str, /) -> str:
        """Write the files."""
        from upath import UPath

        place = "/".join(part for part in (self.below, model, run_id, "artifacts", folder) if part)
        for name, content in files.items():
            target = UPath(place) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return place


@dataclass(frozen=True)
class ServerStorage:
    """An MLflow server that keeps what it is sent, and says where."""

    below: str = STORAGE

    def experiment(self, _model: str, /) -> str | None:
        """Return None: the server decides."""
        return None

    def keep(self, client: "MlflowClient", _model: str, run_id: str, files: Mapping[str, bytes], folder: str, /) -> str:
        """Send the files."""
        with TemporaryDirectory() as written:
            for name, content in files.items():
                target = Path(written) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            client.log_artifacts(run_id, written, folder)
        return f"{client.get_run(run_id).info.artifact_uri}/{folder}".rstrip("/")
