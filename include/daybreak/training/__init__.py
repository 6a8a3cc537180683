"""Training: from the past to a registered version.

The names here are what a pipeline's training imports; the modules of this package are internal.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daybreak.models.candidates import Candidate
    from daybreak.training.classification import Classification
    from daybreak.training.past import Past, held_out
    from daybreak.training.pictures import silhouettes
    from daybreak.training.search import Chosen, Search, Settings, choose
    from daybreak.training.trained import Trained, Unseen

_MODULES = {
    "daybreak.models.candidates": ("Candidate",),
    "daybreak.training.classification": ("Classification",),
    "daybreak.training.pictures": ("silhouettes",),
    "daybreak.training.search": ("Chosen", "Search", "Settings", "choose"),
    "daybreak.training.past": ("Past", "held_out"),
    "daybreak.training.trained": ("Trained", "Unseen"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Candidate",
    "Chosen",
    "Classification",
    "Past",
    "Search",
    "Settings",
    "Trained",
    "Unseen",
    "choose",
    "held_out",
    "silhouettes",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    globals()[name] = found = getattr(importlib.import_module(_HOME[name]), name)
    return found


def __dir__() -> list[str]:
    return [*globals(), *__all__]
