"""What a starting Airflow still lacks."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from daybreak.errors import ConfigurationError
from daybreak.local.airflow_api import AirflowApi


def component_health(api: AirflowApi) -> dict[str, tuple[bool, datetime | None]]:
    """Tell of each component whether it is healthy and when it last said so; empty while nobody answers."""
    health = api.health()
    if health is None:
        return {}
    found: dict[str, tuple[bool, datetime | None]] = {
        "api-server": (health["metadatabase"]["status"] == "healthy", None)
    }
    for name in ("scheduler", "dag_processor"):
        beat = health[name][f"latest_{name}_heartbeat"]
        found[name.replace("_", "-")] = (
            health[name]["status"] == "healthy",
            datetime.fromisoformat(beat) if beat else None,
        )
    return found


def still_missing(api: AirflowApi, dags: Iterable[str], folder: Path, *, since: datetime) -> str | None:
    """Name what is not there yet of an Airflow launched at ``since``, or None; a heartbeat before that is not its own.

    A DAG that is missing because a file in ``folder`` cannot be imported is not waited for.
    """
    health = component_health(api)
    if not health:
        return "the api-server"
    for name, (healthy, beat) in health.items():
        if not healthy or (beat is not None and beat < since):
            return f"the {name}"
    for dag_id in dags:
        parsed = api.parsed_at(dag_id)
        if parsed is None or parsed < since:
            _refuse_broken_files(api, dag_id, folder, since)
            return f"the DAG {dag_id} to be parsed"
    return None


def _refuse_broken_files(api: AirflowApi, dag_id: str, folder: Path, since: datetime) -> None:
    for file, error, met in api.import_errors():
        if met >= since:
            raise ConfigurationError(
                f"The DAG {dag_id} is not there, and {file} cannot be imported: {error.splitlines()[-1]}",
                next_step=f"mend the file; `python {folder / file}` shows the whole error.",
            )
