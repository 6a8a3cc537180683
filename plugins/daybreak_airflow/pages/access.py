"""Access: who may see and who may change what, as Airflow's auth manager says.

A Dag that does not exist is allowed to everybody, so whoever is asked for one says by himself that there is none.
"""

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends

# The Dag's id has to be in the path, under this very name: elsewhere it is not looked for.
may_read = Depends(requires_access_dag("GET"))
may_edit = Depends(requires_access_dag("PUT"))
User = GetUserDep

__all__ = ["User", "can_edit", "may_edit", "may_read", "readable"]


def readable(user: BaseUser) -> set[str]:
    """Return the Dags that a user may see."""
    return set(get_auth_manager().get_authorized_dag_ids(user=user, method="GET"))


def can_edit(user: BaseUser, dag_id: str) -> bool:
    """Tell whether a user may change what a Dag has made, and see the rows that it has set aside."""
    return bool(get_auth_manager().is_authorized_dag(method="PUT", details=DagDetails(id=dag_id), user=user))
