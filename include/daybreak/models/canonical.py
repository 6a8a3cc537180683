"""Canonical artifacts: files whose bytes follow from what was fitted, and from nothing else.

MLflow and skops write the time, random identifiers and memory addresses into them. A digest over those says nothing of
the model: two trainings on the same rows could not be told from two on different ones.
"""

import io
import json
from typing import Any
from zipfile import ZipFile, ZipInfo

from daybreak.models.artifacts import SKOPS, Files
from daybreak.models.tree_bounds import parts

DESCRIPTION = "MLmodel"
_SCHEMA = "schema.json"
# What MLflow notes of the moment; it reads a description without them.
_OF_THE_MOMENT = ("model_uuid", "utc_time_created", "run_id", "model_id", "artifact_path", "model_size_bytes")
# Trees of neighbours count what they were asked, for statistics that nobody reads: trims, leaves, splits and calls, by
# their places in what such a tree is made from.
_COUNTING, _COUNTS = ("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree"), slice(7, 11)
# Attributes that are a memory address: by it a vectorizer knows again the stop words that it has checked.
_ADDRESSES = ("_stop_words_id",)


def canonical(files: Files) -> Files:
    """Return a model's files with what differs from one saving of the same model to the next made the same."""
    changed = {DESCRIPTION: _description, SKOPS: _skops}
    return {name: changed[name](content) if name in changed else content for name, content in files.items()}


def forget_moment(model: Any) -> None:
    """Empty what CatBoost notes of the moment in the models within a model: it goes into what they are saved as."""
    for found in parts(model):
        if type(found).__module__.startswith("catboost.") and hasattr(found, "get_metadata"):
            told = found.get_metadata()
            for name in ("model_guid", "train_finish_time"):
                told[name] = ""


def _description(content: bytes) -> bytes:
    import yaml

    described = yaml.safe_load(content)
    kept = {key: value for key, value in described.items() if key not in _OF_THE_MOMENT}
    text: str = yaml.safe_dump(kept, sort_keys=True)
    return text.encode()


def _skops(content: bytes) -> bytes:
    written = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as found, ZipFile(written, "w") as kept:
        schema = json.loads(found.read(_SCHEMA))
        files = _Numbered().number(schema)
        for old, new in files.items():
            kept.writestr(ZipInfo(new), found.read(old))
        kept.writestr(ZipInfo(_SCHEMA), json.dumps(schema))
    return written.getvalue()


class _Numbered:
    """Objects and files by number, in the order in which they are first met, instead of by their memory address."""

    def __init__(self) -> None:
        self._objects: dict[int, int] = {}
        self._files: dict[str, str] = {}
        self._next = 0

    def number(self, schema: dict[str, Any]) -> dict[str, str]:
        """Number everything in place; return the new name of each file."""
        self._visit(schema)
        return self._files

    def _visit(self, node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                self._visit(item)
        elif isinstance(node, dict):
            if node.get("__loader__") == "SetNode":
                # The order of a set changes with the process.
                node["content"].sort(key=_without_addresses)
            _forget_use(node)
            if "__id__" in node:
                # Whether two equal texts or numbers are one object is up to the interpreter.
                node["__id__"] = self._fresh() if node.get("is_json") else self._number(node["__id__"])
            if isinstance(node.get("file"), str):
                old = node["file"]
                node["file"] = self._files.setdefault(old, f"{len(self._files)}{old[old.rindex('.') :]}")
            for value in node.values():
                self._visit(value)

    def _number(self, address: int) -> int:
        if address not in self._objects:
            self._objects[address] = self._fresh()
        return self._objects[address]

    def _fresh(self) -> int:
        self._next += 1
        return self._next


def _forget_use(node: dict[str, Any]) -> None:
    """Set to zero what was counted while a model was used, and where something lay in memory."""
    content = node.get("content")
    if not isinstance(content, dict):
        return
    zeros = [content[name] for name in _ADDRESSES if isinstance(content.get(name), dict)]
    if node.get("__module__") in _COUNTING and isinstance(content.get("content"), list):
        zeros += content["content"][_COUNTS]
    for counted in zeros:
        if counted.get("is_json") and str(counted.get("content")).isdigit():
            counted["content"] = "0"


def _without_addresses(node: Any) -> str:
    if isinstance(node, dict):
        kept = {key: _without_addresses(value) for key, value in node.items() if key not in ("__id__", "file")}
        return json.dumps(kept, sort_keys=True)
    return json.dumps([_without_addresses(item) for item in node]) if isinstance(node, list) else json.dumps(node)
