"""Declared: the pipelines that a DAG of the models' life sees to."""

from daybreak.declaration.loading import Declared, load_declared


def declared_in(module: str | None) -> Declared:
    """Return what a module declares; that of ``DAYBREAK_PIPELINES``, which tasks know too, where none is named."""
    if module is None:
        from daybreak.settings import read_settings

        module = read_settings().pipelines
    return load_declared(module)
