"""Stack: what is kept up on this machine until Ctrl-C: the database, Airflow, and a receiver for what is pushed."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.embedded.processes import forget, record
from daybreak.errors import TerminalError
from daybreak.local.airflow import LocalAirflow, leave
from daybreak.local.airflow_status import DATABASE, kept_by
from daybreak.local.demonstration import CASCADE, PUBLISHED, PUSHED, prepare
from daybreak.local.demonstration_schema import refuse_named_warehouse
from daybreak.local.promotions import to_be_started
from daybreak.local.screen import Screen
from daybreak.settings import Settings
from daybreak.workspace import Workspace


def keep_up(
    settings: Settings,
    screen: Screen,
    *,
    demo: bool = False,
    airflow: bool = True,
    into_named_warehouse: bool = False,
) -> None:
    """Run the stack in the foreground until Ctrl-C, with any package of pipelines.

    With ``demo`` the demonstration's data and models are seen to first, and its DAGs are switched on; others stay as
    they are in Airflow's UI. Without ``airflow`` just the database is kept up.
    """
    if demo:
        refuse_named_warehouse(settings, asked=into_named_warehouse)
    say = screen.step
    workspace = Workspace(settings)
    pushing = any(pipeline.push for pipeline in workspace.pipelines.values())
    promotions = to_be_started(settings) if airflow and (demo or pushing) else None
    shown = [PUBLISHED, *CASCADE, *([PUSHED] if promotions or settings.push_url else [])] if demo else []
    postgres = EmbeddedPostgres(settings.home).use()
    running = LocalAirflow(settings, postgres, dags=shown, promotions=promotions, progress=say) if airflow else None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, leave)
    try:
        with running or _written_down(settings):
            if demo:
                prepare(workspace, shown, say)
            if running:
                for pipeline in shown:
                    running.api.unpause(pipeline)
                screen.line(f"\nToday: {running.today}   user admin, password {running.password}")
                screen.line(
                    f"Airflow: {running.url}   who only looks: user viewer, password {running.password_of_viewer}"
                )
            screen.line(f"Warehouse: {workspace.warehouse.url.render_as_string()}")
            if promotions:
                screen.line(f"Promotions system: {promotions.url}   token in {promotions.secrets_file}")
            if running and not demo:
                screen.line("DAGs that nobody has switched on are paused: switch them on in Airflow's UI.")
            screen.line("Ctrl-C stops everything.\n")
            if running:
                running.watch()
            else:
                _watch(postgres)
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        workspace.close()
        postgres.release()


@contextmanager
def _written_down(settings: Settings) -> Iterator[None]:
    """Have `daybreak local down` of another shell find who keeps just the database up."""
    folder = kept_by(settings)
    record(folder, DATABASE, os.getpid())
    try:
        yield
    finally:
        forget(folder, [DATABASE])


def _watch(postgres: EmbeddedPostgres) -> None:
    while postgres.running():
        time.sleep(1)
    raise TerminalError(
        "The embedded PostgreSQL ended by itself.", next_step=f"read the end of {postgres.folder / 'log'}."
    )
