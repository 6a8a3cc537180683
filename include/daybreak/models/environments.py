"""Environments: what versions need that this process does not have, each installed once and kept.

One is built in a folder beside its place and renamed, under a lock: who is killed leaves none that is half, and of two
who want the same one waits for the other. It is made of wheels alone, as to build a package is to run what its writer
put into it.
"""

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from daybreak.errors import ConfigurationError, EnvironmentUnavailable, ModelRefused
from daybreak.models.requirements import Requirements
from daybreak.settings import environment_without

log = logging.getLogger("daybreak")

_PACKAGES = "packages.txt"
# What is not for who installs packages.
_WITHHELD = ("DAYBREAK_", "AIRFLOW_", "MLFLOW_", "PG", "POSTGRES")
# What uv says where an index or a wheel was not reached, whatever was asked for.
_AWAY = re.compile(r"failed to fetch|error sending request|timed out|dns error|offline", re.IGNORECASE)
_LOGIN = re.compile(r"://[^/@\s]*@")
_SECONDS = 1_800


@dataclass(frozen=True)
class Environment:
    """An environment that is installed: its Python, and all that is in it, each as ``name==version``."""

    folder: Path
    packages: tuple[str, ...]

    @property
    def python(self) -> Path:
        """The interpreter that finds these packages and nothing else."""
        return self.folder / "bin" / "python"


class Environments:
    """Install environments below a folder; with ``wheels`` from that folder, and from nowhere else."""

    def __init__(self, folder: Path, wheels: Path | None = None) -> None:
        self.folder = folder
        self._wheels = wheels

    @property
    def program(self) -> str | None:
        """The installer, None where there is none."""
        beside = Path(sys.executable).with_name("uv")
        return str(beside) if beside.exists() else shutil.which("uv")

    def all(self) -> list[Path]:
        """List the folders of the environments that are installed."""
        return sorted(path.parent for path in self.folder.glob(f"*/{_PACKAGES}") if path.parent.suffix != ".part")

    def installed(self, wanted: Requirements) -> Environment | None:
        """Return the environment if it is there already."""
        found = Environment(self.folder / wanted.digest[:32], ())
        try:
            packages = (found.folder / _PACKAGES).read_text(encoding="utf-8").split("\n")
        except OSError:
            return None
        # Its link leads nowhere where the Python that it was made with is gone.
        return Environment(found.folder, tuple(filter(None, packages))) if found.python.exists() else None

    def of(self, wanted: Requirements, called: str, progress: Callable[[str], None] = lambda step: None) -> Environment:
        """Return the environment, installed first if need be; ``called`` is what messages call the version.

        Raises ModelRefused where there is no such set of packages, EnvironmentUnavailable where they cannot be reached
        now, ConfigurationError where there is nothing to install by.
        """
        if (found := self.installed(wanted)) is not None:
            return found
        with self._alone(wanted.digest[:32]):
            if (found := self.installed(wanted)) is not None:
                return found
            log.info("Installing the environment of %s: %s.", called, ", ".join(wanted.packages))
            progress(f"installing the environment of {called}")
            return self._install(wanted, called)

    def _install(self, wanted: Requirements, called: str) -> Environment:
        place = Environment(self.folder / wanted.digest[:32], ())
        for left in self.folder.glob(f"{place.folder.name}.*.part"):
            shutil.rmtree(left, ignore_errors=True)
        part = Environment(self.folder / f"{place.folder.name}.{uuid4().hex[:8]}.part", ())
        try:
            self._uv(called, "venv", "--no-python-downloads", "--python", sys.executable, str(part.folder))
            told = part.folder / "requirements.txt"
            told.write_text("\n".join(wanted.packages) + "\n", encoding="utf-8")
            bound = part.folder / "constraints.txt"
            bound.write_text("\n".join(wanted.constraints) + "\n", encoding="utf-8")
            into = ["--python", str(part.python)]
            self._uv(called, "pip", "install", "--no-build", *into, *self._from, "-r", str(told), "-c", str(bound))
            packages = self._uv(called, "pip", "freeze", *into).split("\n")
            python = ".".join(map(str, sys.version_info[:3]))
            packages = sorted([f"python=={python}", *(line.strip() for line in packages if line.strip())])
            (part.folder / _PACKAGES).write_text("\n".join(packages) + "\n", encoding="utf-8")
            shutil.rmtree(place.folder, ignore_errors=True)
            part.folder.rename(place.folder)
        except OSError as error:
            raise EnvironmentUnavailable(
                f"The environment of {called} cannot be written below {self.folder} ({error.strerror or error}).",
                next_step="it is tried again; if it lasts, see that there is room and that it may be written to.",
            ) from error
        finally:
            shutil.rmtree(part.folder, ignore_errors=True)
        return Environment(place.folder, tuple(packages))

    @property
    def _from(self) -> list[str]:
        return [] if self._wheels is None else ["--no-index", "--find-links", str(self._wheels.absolute())]

    def _uv(self, called: str, *arguments: str) -> str:
        program = self.program
        if program is None:
            raise ConfigurationError(
                f"{called} needs an environment of its own, and there is no `uv` to install it by.",
                next_step="install it where Daybreak is: `pip install uv`.",
            )
        try:
            done = subprocess.run(
                [program, *arguments],
                capture_output=True,
                text=True,
                # Not below a project of its own settings.
                cwd="/",
                env=environment_without(*_WITHHELD),
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise self._away(called, f"not done within {_SECONDS} s") from None
        if done.returncode == 0:
            return done.stdout
        told = _LOGIN.sub("://", " ".join(done.stderr.split()))[-600:]
        if self._wheels is None and _AWAY.search(told):
            raise self._away(called, told)
        raise ModelRefused(
            f"The environment of {called} cannot be installed: {told}",
            next_step=f"put the wheels that it lacks into {self._wheels} (DAYBREAK_WHEELS), for this Python and system."
            if self._wheels
            else "see which of its requirements has no wheel for this Python; register it with others, or put wheels "
            "of all into a folder and set DAYBREAK_WHEELS to it.",
        )

    def _away(self, called: str, told: str) -> EnvironmentUnavailable:
        return EnvironmentUnavailable(
            f"The packages of {called} cannot be reached: {told}",
            next_step="it is tried again; where there is no way to them, fill a folder with their wheels elsewhere "
            "(`daybreak environment MODEL --dry-run` says of what) and set DAYBREAK_WHEELS to it.",
        )

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        # Whoever is killed lets go of it.
        descriptor = os.open(self.folder / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
