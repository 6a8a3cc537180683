"""Tree bounds: decision trees of a loaded model point to their own nodes and features, or it is refused.

A tree's arrays are followed without a look at their bounds: a file whose types are in order can end the process that
predicts. Of neighbours' trees and support vectors nothing of the kind can be told from their arrays.
"""

from collections.abc import Iterator
from typing import Any

# What has no tree below it is not gone through: arrays of numbers, texts.
_DEEPEST = 50


def misplaced(model: Any) -> str | None:
    """Say which tree of a loaded model points beyond its nodes or features; None where all is in order."""
    return next((problem for owner, tree in _trees(model) if (problem := _problem(owner, tree))), None)


def _problem(owner: Any, tree: Any) -> str | None:
    import numpy as np

    if type(tree).__name__ == "TreePredictor":
        nodes, features = tree.nodes, int(getattr(owner, "n_features_in_", 0))
        inner = np.flatnonzero(nodes["is_leaf"] == 0)
        left, right, feature = (nodes[name][inner].astype(np.int64) for name in ("left", "right", "feature_idx"))
        sets = nodes["bitset_idx"][inner][nodes["is_categorical"][inner] != 0].astype(np.int64)
        count = len(nodes)
        if (sets >= min(len(tree.raw_left_cat_bitsets), len(tree.binned_left_cat_bitsets))).any():
            return "a tree of gradient boosting points to categories that it does not hold"
    else:
        count, features = int(tree.node_count), int(tree.n_features)
        inner = np.flatnonzero(tree.children_left[:count] != -1)
        left, right, feature = tree.children_left[inner], tree.children_right[inner], tree.feature[inner]
        declared = getattr(owner, "n_features_in_", features)
        if declared != features:
            return f"a tree of {features} features stands in a model of {declared}"
    if not count:
        return "a tree has no node"
    children = np.concatenate([left, right])
    if (children <= np.concatenate([inner, inner])).any() or (children >= count).any():
        return f"a tree of {count} nodes points to others"
    if (feature < 0).any() or (feature >= features).any():
        return f"a tree of {features} features asks for others"
    return None


def _trees(model: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each tree with the estimator that holds it."""
    for owner, value in _held(model):
        if type(value).__module__.startswith("sklearn.") and type(value).__name__ in ("Tree", "TreePredictor"):
            yield owner, value


def parts(model: Any) -> Iterator[Any]:
    """Yield a model and every object that it is made of, each once."""
    return (value for _, value in _held(model))


def _held(model: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each object within a model with the estimator that holds it."""
    import numpy as np

    seen: set[int] = set()
    waiting: list[tuple[Any, Any, int]] = [(model, model, 0)]
    while waiting:
        owner, value, depth = waiting.pop()
        if depth > _DEEPEST or id(value) in seen or isinstance(value, str | bytes | int | float | None):
            continue
        seen.add(id(value))
        yield owner, value
        if isinstance(value, dict):
            waiting += [(owner, item, depth + 1) for item in value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += [(owner, item, depth + 1) for item in value]
        elif isinstance(value, np.ndarray):
            waiting += [(owner, item, depth + 1) for item in value.flat] if value.dtype == object else []
        else:
            held = getattr(value, "__dict__", {})
            holder = value if hasattr(value, "n_features_in_") else owner
            waiting += [(holder, item, depth + 1) for item in held.values()]
