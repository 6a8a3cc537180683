"""Adopting: what the tags of a version would say, had Daybreak registered it, as its files tell."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from daybreak.errors import ModelRefused
from daybreak.models.artifacts import DESCRIPTION, Files, digest_of
from daybreak.models.describing import flavor_of, is_below
from daybreak.models.version import LIBRARIES, NATIVE

_PINNED = re.compile(r"^\s*([A-Za-z0-9._-]+)==([^\s;#]+)", re.MULTILINE)


def told_tags(
    called: str,
    source: str,
    storage: str,
    trained_through: date,
    elsewhere: str,
    read: Callable[[str], Files | None],
) -> dict[str, str]:
    """Return the tags of a version that others registered; its files are read, and nothing of them is made.

    ``called`` is what messages call it, ``elsewhere`` the command that registers what cannot be adopted where it lies;
    ``read`` reads its files.
    """
    if not is_below(source, storage):
        raise ModelRefused(
            f"The files of {called} are not below DAYBREAK_MODELS_URI: it names {source}, not {storage}/….",
            next_step=f"register it, which copies them: `{elsewhere}`.",
        )
    files = read(source) or {}
    if DESCRIPTION not in files:
        raise ModelRefused(
            f"{called} has no {DESCRIPTION} as MLflow saves one.", next_step=f"register it: `{elsewhere}`."
        )
    described = _described(called, files[DESCRIPTION])
    if not (described.get("signature") or {}).get("inputs"):
        raise ModelRefused(
            f"{called} was logged without a signature: nothing says which columns it takes.",
            next_step=f"register it with a sample of them: `{elsewhere}`.",
        )
    pinned = dict(_PINNED.findall(files.get("requirements.txt", b"").decode(errors="replace")))
    if saved_by := (described["flavors"].get(NATIVE) or {}).get("sklearn_version"):
        pinned["scikit-learn"] = str(saved_by)
    libraries = {f"library.{name}": pinned[name] for name in LIBRARIES if name in pinned}
    return {"digest": digest_of(files), "trained_through": trained_through.isoformat(), **libraries}


def _described(called: str, content: bytes) -> dict[str, Any]:
    import yaml

    try:
        described: dict[str, Any] = yaml.safe_load(content)
        flavor_of(described)
    except (AttributeError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ModelRefused(
            f"The MLmodel of {called} cannot be read ({type(error).__name__}).",
            next_step="save the model again with MLflow.",
        ) from error
    return described
