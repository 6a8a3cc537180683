"""Trusted: what a skops file may hold, judged by exact names before anything of it is made.

skops trusts by name alone, wherever the name stands; but a function that may be held is called where it stands as a
class. So each of skops' loaders has a list of its own. The same judgement is made at registration and at loading.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

LISTS = Path(__file__).parent / "trusted_types"
# Older protocols have older loaders, which look less closely.
_PROTOCOL = 2
_LOADER = "__loader__"
_SCHEMA = "schema.json"
# Libraries of scikit-learn's kind that a model may be of, each an extra of its own; their names are in one more list.
FAMILIES = ("lightgbm", "xgboost", "catboost")
_BOOSTING = LISTS / "boosting.json"
# Those of numpy. To judge a file takes no library: who scores elsewhere does without scikit-learn.
_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
# What the scores of LightGBM's rounds are kept in.
_FACTORY = "collections.OrderedDict"


def list_of(minor: str) -> Path:
    """Return the file with what is trusted under a minor version of scikit-learn."""
    return LISTS / f"scikit-learn-{minor}.json"


def minor_version() -> str:
    """Return the installed minor version of scikit-learn, such as 1.9."""
    from importlib.metadata import version

    return ".".join(version("scikit-learn").split(".")[:2])


@dataclass(frozen=True)
class Judgement:
    """What a skops file holds by name, and what of that it may not: nothing where it may be loaded."""

    names: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def families(self) -> list[str]:
        """Return the libraries besides scikit-learn that the file needs."""
        modules = {name.partition(".")[0] for name in self.names}
        return [family for family in FAMILIES if family in modules]


def judge(data: bytes, minor: str | None = None) -> Judgement:
    """Judge a skops file by the list of a minor version of scikit-learn, or of the installed one.

    Nothing of it is made. A forest's file takes a while to read: who judges it keeps what came of it.
    """
    names, refused = _judged(data, minor)
    return Judgement(tuple(names), tuple(refused))


def load_trusted(data: bytes, judged: Judgement) -> Any:
    """Load a skops file that holds nothing it may not; raise ValueError with what it holds otherwise."""
    import skops.io

    if judged.refused:
        raise ValueError(", ".join(judged.refused))
    return skops.io.loads(data, trusted=list(judged.names))


def _judged(data: bytes, minor: str | None) -> tuple[list[str], list[str]]:
    import io

    try:
        with ZipFile(io.BytesIO(data)) as file:
            schema = json.loads(file.read(_SCHEMA))
        nodes = list(_nodes(schema))
    except (BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError) as error:
        return [], [f"no file of skops ({type(error).__name__})"]
    if not isinstance(schema, dict) or _LOADER not in schema:
        return [], ["no object of skops"]
    if schema.get("protocol") != _PROTOCOL:
        return [], [f"another protocol than {_PROTOCOL}"]
    met: dict[Any, tuple[str, str]] = {}
    names, refused, allowed = set(), set(), _allowed(minor or minor_version())
    for node in nodes:
        loader, name = str(node[_LOADER]), f"{node.get('__module__')}.{node.get('__class__')}"
        names.add(name)
        if name not in allowed.get(loader, ()):
            refused.add(name if loader in allowed else f"{name} by {loader}")
        # skops takes the first node that it meets under an id, whatever the second one says.
        if "__id__" in node and met.setdefault(json.dumps(node["__id__"]), (loader, name)) != (loader, name):
            refused.add(f"{name} under the id of another")
        refused |= set(_within(node, loader))
    return sorted(names), sorted(refused)


def _within(node: dict[str, Any], loader: str) -> Iterator[str]:
    """Yield what must not stand in this place, though it may in another."""
    if loader == "DictNode":
        # Each is called with a key.
        kinds = node.get("key_types")
        inside = kinds.get("content") if isinstance(kinds, dict) and kinds.get(_LOADER) == "ListNode" else None
        if not isinstance(inside, list) or any(not _is(kind, "TypeNode") for kind in inside):
            yield "a mapping whose keys are not of plain types"
    if loader == "DefaultDictNode":
        # It is called for a key that is not there.
        content = node.get("content")
        factory = content.get("default_factory") if isinstance(content, dict) else None
        called = factory if isinstance(factory, dict) else {}
        if not _is(factory, "TypeNode") or f"{called.get('__module__')}.{called.get('__class__')}" != _FACTORY:
            yield "collections.defaultdict of something other than collections.OrderedDict"
    if loader == "PartialNode":
        content = node.get("content")
        if not isinstance(content, dict) or not _is(content.get("func"), "FunctionNode"):
            yield "functools.partial of something other than a function"
    if loader == "RandomGeneratorNode":
        try:
            generator = json.loads(node["content"]["bit_generator"]["content"]["bit_generator"]["content"])
        except (KeyError, TypeError, ValueError):
            generator = None
        if generator not in _GENERATORS:
            yield f"numpy.random.{generator}"


def _is(node: Any, loader: str) -> bool:
    return isinstance(node, dict) and node.get(_LOADER) == loader


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    # Not by recursion: a file decides how deep it is.
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if _LOADER in item:
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


@cache
def _allowed(minor: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for path in (list_of(minor), _BOOSTING):
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        found |= {loader: found.get(loader, frozenset()) | set(names) for loader, names in known.items()}
    return found
