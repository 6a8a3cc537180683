"""Training: from the past to a registered version.

The names here are what a pipeline's training imports; the modules of this package are internal.
"""

from typing import TYPE_CHECKING

from daybreak.public_names import on_first_use

if TYPE_CHECKING:
    from daybreak.models.candidates import Candidate
    from daybreak.training.classification import Classification
    from daybreak.training.past import Past, held_out
    from daybreak.training.pictures import silhouettes
    from daybreak.training.regression import Regression
    from daybreak.training.search import Chosen, Search, Settings, choose
    from daybreak.training.trained import Trained, Unseen

_MODULES = {
    "daybreak.models.candidates": ("Candidate",),
    "daybreak.training.classification": ("Classification",),
    "daybreak.training.pictures": ("silhouettes",),
    "daybreak.training.regression": ("Regression",),
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
    "Regression",
    "Search",
    "Settings",
    "Trained",
    "Unseen",
    "choose",
    "held_out",
    "silhouettes",
]

__getattr__, __dir__ = on_first_use(globals(), _HOME)
