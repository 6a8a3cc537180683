"""Opening: a skops file is judged, then loaded, then looked through; the same way in every process that scores.

A process of a model's own environment reads this too: nothing but Python's own library is imported here.
"""

import importlib.util
import re
from typing import Any

from daybreak.errors import ModelRefused
from daybreak.models.tree_bounds import misplaced
from daybreak.models.trusted import Judgement, judge, list_of, load_trusted

_MINOR = re.compile(r"\d+\.\d+")


def open_skops(data: bytes, what: str, restore: str) -> Any:
    """Open a skops file that holds nothing it may not; raise ModelRefused, which calls it ``what``, otherwise."""
    judged = refuse_untrusted(data, what)
    refuse_uninstalled(judged, what)
    try:
        loaded = _loaded(data, judged)
        problem = misplaced(loaded)
    except Exception as error:  # all of it may be held, and it does not fit together
        raise ModelRefused(f"{what} cannot be opened ({type(error).__name__}).", next_step=restore) from error
    if problem:
        raise ModelRefused(f"{what} is damaged: {problem}.", next_step=restore)
    return loaded


def _loaded(data: bytes, judged: Judgement) -> Any:
    try:
        return load_trusted(data, judged)
    except SystemError:
        # Python's own fault, not the file's: in 3.11, two threads that parse literals at once may be in each other's
        # way (gh-106905), and the shape of every array is such a literal.
        return load_trusted(data, judged)


def refuse_untrusted(data: bytes, what: str, minor: str | None = None) -> Judgement:
    """Refuse a skops file that holds what no run would load, under a minor version of scikit-learn or the installed.

    Nothing of it is made. Returns what came of judging it.
    """
    if minor is not None and not (_MINOR.fullmatch(minor) and list_of(minor).exists()):
        raise ModelRefused(
            f"{what} is of scikit-learn {minor or '(it does not say which)'}, of which nobody has listed what it may "
            "hold.",
            next_step="train it again, or register one that was saved by a newer scikit-learn.",
        )
    judged = judge(data, minor)
    if refused := judged.refused:
        # Each of them has to go, so all are named; a file made to annoy may hold any number.
        shown = ", ".join(refused[:50]) + (f" and {len(refused) - 50} more" if len(refused) > 50 else "")
        raise ModelRefused(
            f"{what} holds {shown}, which no run loads.",
            next_step="make it of scikit-learn's own estimators, without functions or classes of your own "
            "(docs/model-lifecycle.md says what a model may hold).",
        )
    return judged


def refuse_uninstalled(judged: Judgement, what: str) -> None:
    """Refuse a model of a library that is an extra and not installed here."""
    for family in judged.families:
        if importlib.util.find_spec(family) is None:
            raise uninstalled(what, family)
        try:
            importlib.import_module(family)
        except OSError as error:  # a library of the system's that it was built against
            raise ModelRefused(
                f"{what} is of {family}, which cannot be loaded here ({error}).",
                next_step="install the package of the system that has it, such as libgomp1 for libgomp.so.1.",
            ) from error


def uninstalled(what: str, family: str) -> ModelRefused:
    """Say that a model needs a library that is not installed."""
    return ModelRefused(
        f"{what} is of {family}, which is not installed.",
        next_step=f"install it as it is locked: `pip install --no-deps --require-hashes -r requirements/{family}.txt`.",
    )
