"""Garbage: how often Python looks for objects that only hold each other."""

import atexit
import gc

# Imports make a million objects, all of which stay, and with Python's defaults the collector goes through them again
# and again as they become more: a fifth of the time of a run of some thousand rows. What holds a chunk's rows is few
# objects, and a run's memory peaks where it did.
_YOUNG, _MIDDLE, _OLD = 10_000, 10, 10


def collect_seldom() -> None:
    """Look for them after each 10,000 new objects, Python's own is 700, and not at the end; forks do the same.

    A process that ends goes through all its objects twice to free what ends with it anyway: a third of a second where
    MLflow was imported, a whole one in Airflow's API server.
    """
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
