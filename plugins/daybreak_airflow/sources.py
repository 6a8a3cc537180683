"""Sources: an Airflow Connection says where a pipeline reads from, if no setting does."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

if TYPE_CHECKING:
    from daybreak.workspace import Workspace


def open_workspace() -> "Workspace":
    """Open what a task works on; sources that no setting names are Airflow's Connections."""
    from daybreak.settings import read_settings
    from daybreak.workspace import Workspace

    return Workspace(read_settings(), source_url)


def source_url(name: str) -> str | None:
    """Return the URL of a source by its Connection: the extra ``url``, or what its fields make; None without one."""
    try:
        found = BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return None
    extra = found.extra_dejson
    url = str(extra["url"]) if isinstance(extra, dict) and extra.get("url") else found.get_uri()
    # Airflow masks the password by itself, and nothing of an extra of this name.
    mask_secret(url)
    return url
