"""What the pages read: the warehouse, opened once for the process, and the declared pipelines."""

from functools import cache
from typing import TYPE_CHECKING

from fastapi import HTTPException

if TYPE_CHECKING:
    from daybreak.declaration.pipeline import Pipeline
    from daybreak.workspace import Workspace


@cache
def workspace() -> "Workspace":
    """Return the workspace that all requests share; its ledger's tables are those that runs have made."""
    from daybreak.settings import read_settings
    from daybreak.workspace import Workspace

    return Workspace(read_settings())


def pipeline_of(dag_id: str) -> "Pipeline":
    """Return the pipeline of a Dag; answer that there is no such page where it is none."""
    found = workspace().pipelines.get(dag_id)
    if found is None:
        raise HTTPException(404, f"The Dag {dag_id} runs no pipeline.")
    return found
