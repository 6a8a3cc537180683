"""Model artifacts: read whole, known by digest, kept in a local cache; nothing is opened before its digest was checked.

A run that was planned can finish while the artifacts' storage is away: what was planned is in the cache. A new run is
planned only on what the storage holds.
"""

import hashlib
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from daybreak.errors import DaybreakError, ModelRefused, WarehouseUnavailable
from daybreak.models.opening import open_skops
from daybreak.models.served import STORAGE, downloaded

if TYPE_CHECKING:
    from daybreak.models.version import ModelVersion

SKOPS, DESCRIPTION = "model.skops", "MLmodel"
# Versions that the cache keeps, the ones used last.
_KEPT = 50

Files = dict[str, bytes]


class Artifacts:
    """Read and load artifacts; ``served`` is the address of the MLflow that keeps some of them itself."""

    def __init__(self, cache: Path, served: str | None = None) -> None:
        self.cache = cache
        self.served = served

    def read(self, uri: str) -> Files | None:
        """Read the files of an artifact, or a single one, wherever they are kept; None where there are none."""
        if uri.startswith(STORAGE):
            found = downloaded(uri, self.served) if self.served else None
            return {name: found[name] for name in found if "/" not in name} if found and whole(found) else found
        return read_files(uri)

    def verify(self, model: "ModelVersion") -> None:
        """Refuse an artifact that is not in the storage or not the one registered; put it into the cache."""
        self._keep(model.digest, self._stored(model))

    def files(self, model: "ModelVersion") -> Files:
        """Return the verified files of a model, from the storage, or from the cache where the storage is away."""
        try:
            files = self._stored(model)
        except (ModelRefused, WarehouseUnavailable) as error:
            cached = None if error.details.get("altered") else self._cached(model.digest)
            if cached is None:
                raise
            return cached
        self._keep(model.digest, files)
        return files

    def load(self, model: "ModelVersion") -> Any:
        """Load the model, by its files."""
        files = self.files(model)
        refuse_other_files(model, files)
        return open_skops(
            files[SKOPS],
            f"The artifact of {model.name} version {model.version}",
            f"restore {model.uri}, or choose another version with `--model-version`.",
        )

    def _stored(self, model: "ModelVersion") -> Files:
        try:
            files = self.read(model.uri)
        except DaybreakError:
            raise
        except Exception as error:  # each kind of storage has errors of its own
            raise WarehouseUnavailable(
                f"The artifact of {model.name} version {model.version} cannot be read ({type(error).__name__}).",
                next_step=f"it is tried again; if it lasts, check that {model.uri} can be reached.",
            ) from error
        if files is None or digest_of(files) != model.digest:
            raise ModelRefused(
                f"The artifact of {model.name} version {model.version} "
                f"{'is missing' if files is None else 'was changed since it was registered'}.",
                next_step=f"restore {model.uri}, or choose another version with `--model-version`.",
                altered=files is not None,
            )
        return files

    def _cached(self, digest: str) -> Files | None:
        with suppress(OSError):
            files = read_files((self.cache / digest).as_uri())
            if files is not None and digest_of(files) == digest:
                return files
        return None

    def _keep(self, digest: str, files: Files) -> None:
        # A cache that cannot be written, on a full disk for example, stops no run.
        with suppress(OSError):
            folder = self.cache / digest
            if self._cached(digest) is not None:
                folder.touch()
                return
            part = self.cache / f"{uuid4().hex}.part"
            part.mkdir(parents=True)
            for name, content in files.items():
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                (part / name).write_bytes(content)
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
            by_age = sorted(self.cache.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
            for old in by_age[_KEPT:]:
                shutil.rmtree(old, ignore_errors=True)


def refuse_other_files(model: "ModelVersion", files: Files) -> None:
    """Refuse an artifact without a skops file, where no other kind is loaded."""
    if SKOPS not in files:
        raise ModelRefused(
            f"The artifact of {model.name} version {model.version} holds no {SKOPS}, and no other kind is loaded.",
            next_step="register it by training its pipeline: `daybreak train PIPELINE`.",
        )


def read_files(uri: str) -> Files | None:
    """Read the files of an artifact, None where there are none."""
    from upath import UPath

    folder = UPath(uri)
    if folder.is_file():
        return {folder.name: folder.read_bytes()}
    if not folder.exists():
        return None
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    if not whole(files):
        # Others than skops files may lie in folders, with code beside them.
        root = folder.as_posix().rstrip("/")
        below = [path for path in folder.rglob("*") if path.is_file()]
        files = {path.as_posix().removeprefix(f"{root}/"): path.read_bytes() for path in below}
    return files


def whole(files: Collection[str]) -> bool:
    """Tell whether the files of a folder itself are all that a model needs, whatever lies in folders below."""
    return SKOPS in files or DESCRIPTION not in files


def digest_of(files: Files) -> str:
    """Return the SHA-256 over the files, their names and lengths."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])}\n".encode())
        digest.update(files[name])
    return digest.hexdigest()
