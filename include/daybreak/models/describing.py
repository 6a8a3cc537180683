"""Describing: what the registry says of a version, and what it lacks to be used by a run.

Anybody who may write to the registry can register a version, with tags of their own and files that lie anywhere.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

from daybreak.batch.signature import CATEGORY, Signature
from daybreak.errors import ModelRefused
from daybreak.models.artifacts import DESCRIPTION
from daybreak.models.found import FoundVersion
from daybreak.models.version import NATIVE, ModelVersion

# What a version's description calls the columns that are categories, which are texts to MLflow.
CATEGORIES = "categories"
_NEEDED_TAGS = ("digest", "trained_through")


@dataclass(frozen=True)
class ListedVersion:
    """A version as the registry lists it; ``lacks`` says why no run may use it, and ``model`` is None then."""

    name: str
    version: int
    aliases: tuple[str, ...]
    source: str
    model: ModelVersion | None = None
    lacks: str | None = None


def describe(
    found: FoundVersion,
    storage: str,
    training: str,
    metrics: Mapping[str, float],
    read: Callable[[str], Mapping[str, bytes] | None],
) -> ModelVersion:
    """Return what the registry says of a version; raise ModelRefused where it lacks something.

    Its files are not looked at, by ``read``, before it is known that they lie below ``storage``.
    ``training`` is the command that would register one as it should be.
    """
    called, tags, source = f"{found.name} version {found.version}", found.tags, found.location
    if missing := [tag for tag in _NEEDED_TAGS if not tags.get(tag)]:
        raise ModelRefused(
            f"{called} was not registered by Daybreak: it has no {' and no '.join(missing)}.",
            next_step=f"trust it by `daybreak adopt {found.name} --version {found.version} --trained-through DAY`, "
            f"or register one through {training}.",
        )
    if not is_below(source, storage):
        raise ModelRefused(
            f"The files of {called} are not below DAYBREAK_MODELS_URI: it names {source}, not {storage}/….",
            next_step=f"register it through {training}, or set DAYBREAK_MODELS_URI to where your models are.",
        )
    try:
        told = date.fromisoformat(tags["trained_through"]), _profile(tags.get("score_profile"))
    except ValueError as error:
        raise ModelRefused(
            f"The tags of {called} cannot be read ({error}).", next_step=f"register it through {training}."
        ) from error
    signature, flavor = _described(f"{source}/{DESCRIPTION}", read)
    return ModelVersion(
        name=found.name,
        version=found.version,
        uri=source,
        digest=tags["digest"],
        trained_through=told[0],
        libraries={k.removeprefix("library."): v for k, v in tags.items() if k.startswith("library.")},
        signature=signature,
        flavor=flavor,
        score_profile=told[1],
        metrics=dict(metrics),
        aliases=found.aliases,
    )


def is_below(uri: str, storage: str) -> bool:
    """Tell whether a URI, or a path, names something below another one: same scheme and host, no way back up."""
    found, allowed = (_split(place) for place in (uri, storage))
    inner = found[2].removeprefix(allowed[2].rstrip("/") + "/")
    if found[:2] != allowed[:2] or inner == found[2] or "\\" in unquote(inner) or set("?#") & set(inner):
        return False
    return all(part not in ("", ".", "..") and "/" not in unquote(part) for part in map(unquote, inner.split("/")))


def _split(uri: str) -> tuple[str, str, str]:
    """Return scheme, host and the rest; a plain path is a file's."""
    if uri.startswith("/"):
        return "file", "", uri
    parts = urlsplit(uri, allow_fragments=False)
    return parts.scheme, parts.netloc, parts.path + (f"?{parts.query}" if parts.query else "")


def _profile(tag: str | None) -> dict[str, list[float]] | None:
    if tag is None:
        return None
    found: Any = json.loads(tag)
    if not isinstance(found, dict):
        raise ValueError("score_profile is no mapping")
    return found


def _described(uri: str, read: Callable[[str], Mapping[str, bytes] | None]) -> tuple[Signature, str]:
    """Return which columns a version takes, and what MLflow calls its kind."""
    import yaml

    try:
        described = yaml.safe_load((read(uri) or {})[DESCRIPTION])
        flavor = flavor_of(described)
        inputs = json.loads(described["signature"]["inputs"])
        categories = (described.get("metadata") or {}).get(CATEGORIES, ())
        kinds = {column["name"]: CATEGORY if column["name"] in categories else column["type"] for column in inputs}
        return Signature(tuple(kinds.items())), flavor
    except Exception:  # each kind of storage has errors of its own
        # A file that was tampered with is refused by its digest, with a better message than this could give.
        return Signature(()), NATIVE


def flavor_of(described: Mapping[str, Any]) -> str:
    """Return the flavor that a version is loaded by: scikit-learn's where it is a skops file, else another one."""
    flavors = described["flavors"]
    own = flavors.get(NATIVE)
    if own and own.get("serialization_format") == "skops":
        return NATIVE
    named = [name for name in flavors if name != "python_function"]
    return f"{named[0]} (pickled)" if named == [NATIVE] else named[0] if named else "python_function"
