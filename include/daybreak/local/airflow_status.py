"""What of the local Airflow runs, and its end, seen from another shell than the one that started it."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

from daybreak.embedded.processes import Recorded, end, forget, recorded
from daybreak.errors import TransientError
from daybreak.local.airflow_api import AirflowApi
from daybreak.local.airflow_health import component_health
from daybreak.local.keeper import COMPONENTS
from daybreak.local.promotions import COMPONENT, belongs_to_the_stack, running
from daybreak.settings import Settings

# Who keeps just the database up is written down under this name, apart from what an Airflow's start would end.
DATABASE = "database"
_STARTERS = ("up", "keeper", DATABASE)


@dataclass(frozen=True)
class ComponentStatus:
    """One process of the local Airflow; its number is None where it does not run."""

    name: str
    pid: int | None
    healthy: bool
    url: str = ""


def airflow_status(settings: Settings) -> list[ComponentStatus]:
    """Tell which of the local Airflow's processes run, and whether they are healthy."""
    started = _living(settings)
    healthy = _healthy(started["up"].url) if "up" in started else {}
    promotions = running(settings)
    healthy[COMPONENT] = promotions is not None and promotions.healthy()
    found = []
    for name in ("up", *COMPONENTS, *([COMPONENT] if belongs_to_the_stack(settings) else [])):
        process = started.get(name)
        runs = process is not None
        found.append(
            ComponentStatus(
                name,
                process.pid if process else None,
                runs and (name == "up" or healthy.get(name, False)),
                process.url if process else "",
            )
        )
    return found


def end_airflow(settings: Settings, timeout: float = 60) -> bool:
    """End a local Airflow, or just the database, wherever it was started, and wait; False if none ran."""
    started = _living(settings)
    if not started:
        return False
    # Whoever started it has more to end than Airflow, so that process is asked first; the keeper ends with it.
    first = started.get("up") or started.get("keeper")
    for asked in filter(None, (first, started.get(DATABASE))):
        asked.signal(signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while left_over := [started[name].pid for name in _STARTERS if name in started and started[name].alive()]:
        if time.monotonic() > deadline:
            raise TransientError(
                f"The stack did not end within {timeout:.0f} s.", next_step=f"end process {left_over[0]} yourself."
            )
        time.sleep(0.1)
    left = recorded(settings.home.resolve() / "airflow" / "run")
    end((process for name, process in left.items() if name in (*COMPONENTS, COMPONENT)), patience=5)
    forget(settings.home.resolve() / "airflow" / "run", left)
    return True


def kept_by(settings: Settings) -> Path:
    """Return the folder where it is written down who keeps just the database up."""
    return settings.home.resolve() / "run"


def _living(settings: Settings) -> dict[str, Recorded]:
    started = recorded(settings.home.resolve() / "airflow" / "run") | recorded(kept_by(settings))
    return {name: process for name, process in started.items() if process.alive()}


def _healthy(url: str) -> dict[str, bool]:
    api = AirflowApi(url, "", "")  # health is told without logging in
    try:
        return {name: healthy for name, (healthy, _) in component_health(api).items()}
    finally:
        api.close()
