"""Requirements: what a version says that it needs, as far as it may say so, and what scoring it needs besides.

A version's files are anybody's who may write to the registry. So a requirement is a name and its versions: no address
to fetch from, no other file, no option of the installer.
"""

import hashlib
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from daybreak.errors import ModelRefused

_REQUIREMENTS = "requirements.txt"
_CONSTRAINTS = "constraints.txt"
# What rows travel by, what they become, and what keeps a model's threads to one core.
_ALWAYS = ("numpy", "pandas", "pyarrow", "threadpoolctl")
_MLFLOW = ("mlflow", "mlflow-skinny")


@dataclass(frozen=True)
class Requirements:
    """What is to be installed for a version; ``constraints`` bind what these bring along."""

    packages: tuple[str, ...]
    constraints: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of what decides what is installed, the Python that it is installed for included."""
        python = f"{platform.python_implementation()} {platform.python_version()} {platform.machine()}"
        told = "\n".join([python, *sorted(self.packages), "constraints", *sorted(self.constraints)])
        return hashlib.sha256(told.encode()).hexdigest()


def requirements_of(
    files: Mapping[str, bytes], libraries: Mapping[str, str], called: str, *, by_mlflow: bool
) -> Requirements:
    """Return what a version needs by its files; ``libraries`` are the versions that are known of what these leave out.

    MLflow itself is needed only where the model is loaded ``by_mlflow``. Raises ModelRefused, which names the line,
    where a requirement is more than a name and versions.
    """
    if _REQUIREMENTS not in files:
        raise ModelRefused(
            f"{called} has no {_REQUIREMENTS}: nothing says which environment it needs.",
            next_step="save it by MLflow with `pip_requirements`, and register it again.",
        )
    found = dict(_read(files[_REQUIREMENTS], called))
    mlflow = next((found.pop(name) for name in _MLFLOW if name in found), "mlflow")
    for name in _MLFLOW:
        found.pop(name, None)
    if by_mlflow:
        found["mlflow-skinny"] = re.sub(r"^mlflow(-skinny)?", "mlflow-skinny", mlflow)
    for name in (*_ALWAYS, *(() if by_mlflow else ("scikit-learn", "skops"))):
        found.setdefault(name, f"{name}=={libraries[name]}" if name in libraries else name)
    constraints = dict(_read(files.get(_CONSTRAINTS, b""), called))
    return Requirements(tuple(sorted(found.values())), tuple(sorted(constraints.values())))


def _read(content: bytes, called: str) -> Iterator[tuple[str, str]]:
    """Yield each requirement under its name, written in one way."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for line in content.decode(errors="replace").splitlines():
        told = re.sub(r"(^|\s)#.*", "", line).strip()
        if not told or told == f"-c {_CONSTRAINTS}":
            continue
        try:
            one = Requirement(told)
        except InvalidRequirement:
            one = None
        if one is None or one.url:
            raise ModelRefused(
                f"{called} requires {told[:200]!r}, which is more than the name of a package and its versions.",
                next_step="save it again with `pip_requirements` of plain names, such as 'scikit-learn==1.6.1', and "
                "register it.",
            )
        one.name = canonicalize_name(one.name)
        yield one.name, str(one)
