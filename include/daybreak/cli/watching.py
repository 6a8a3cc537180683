"""The commands that watch all pipelines, and tell those who want to know."""

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from daybreak.cli.arguments import Json, open_workspace
from daybreak.settings import read_settings

watching = typer.Typer()
alerts = typer.Typer(help="Incidents and the channels that are told of them.")


@watching.command()
def watch(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what there is; open and tell nothing.")] = False,
) -> None:
    """Look at all pipelines once: open and close incidents, and tell who wants to know. For cron, or for Airflow's DAG.

    Exit code 1 if the ledger cannot be read, or a channel did not take a message; not for incidents.
    """
    from daybreak.cli.display import out, print_error
    from daybreak.monitoring.watching import Watch

    with open_workspace() as workspace:
        watched = Watch(workspace, by=f"{_who()}, daybreak watch")
        if dry_run:
            for need in watched.needs(datetime.now(UTC)):
                place = " ".join(part for part in (need.pipeline, need.partition) if part)
                out.print(f"{need.severity}  {place}: {need.problem}", soft_wrap=True, markup=False)
            return
        found = watched.look()
    changed = found.changed
    for verb, rows in (("opened", changed.opened), ("closed", changed.closed), ("reminded of", changed.reminded)):
        for row in rows:
            place = " ".join(part for part in (row["pipeline"], row["partition_key"]) if part)
            shown = f"{verb} incident {row['incident_id']}, {row['severity']}: {place}: {row['problem']}"
            out.print(shown, soft_wrap=True, markup=False)
    count = sum(found.sent.values())
    out.print(f"{len(found.needs)} open, {count} message{'' if count == 1 else 's'} sent.")
    for name, problem in found.failed.items():
        print_error(f"Channel '{name}': {problem}. Next: check DAYBREAK_ALERT_{name.upper()}; it is tried again.")
    if found.failed:
        raise typer.Exit(1)


@alerts.command("test")
def send_test(
    channel: Annotated[str | None, typer.Argument(metavar="[CHANNEL]", help="Only this one.")] = None,
) -> None:
    """Send a message to each channel, and say what came of it. Exit code 1 if one did not take it."""
    from daybreak.cli.display import out
    from daybreak.errors import ConfigurationError
    from daybreak.monitoring.channels import Sender, read_channels

    channels = read_channels(read_settings())
    wanted = [one for one in channels if channel in (None, one.name)]
    if not wanted:
        known = ", ".join(one.name for one in channels)
        raise ConfigurationError(
            f"There is no channel '{channel}'." if channel else "There is no channel.",
            next_step=f"choose from {known}." if known else "give one: DAYBREAK_ALERT_<NAME>, an Apprise URL.",
        )
    sender, failed = Sender(), False
    for one in wanted:
        title = "Daybreak: a test"
        problem = sender.send(
            one, title, f"This is what a message by the channel '{one.name}' looks like. Next: nothing."
        )
        failed = failed or problem is not None
        out.print(f"{one.name}: {problem or 'sent'}.", markup=False)
    if failed:
        raise typer.Exit(1)


@alerts.command("list")
def list_alerts(
    closed: Annotated[int, typer.Option(min=0, help="So many that are over, too.")] = 0, json: Json = False
) -> None:
    """Show the incidents that are open."""
    from daybreak.cli.display import print_json, print_table
    from daybreak.ledger.incidents import list_incidents

    with open_workspace() as workspace:
        workspace.see_to_ledger()
        found = list_incidents(workspace.warehouse, closed=closed)
    if json:
        print_json([dict(row) for row in found])
        return
    columns = ["incident", "kind", "severity", "pipeline", "partition", "since", "over since", "problem"]
    names = ("incident_id", "kind", "severity", "pipeline", "partition_key", "opened_at", "closed_at", "problem")
    print_table("Incidents", columns, [[row[name] for name in names] for row in found])


@alerts.command("silence")
def silence_incident(
    incident: Annotated[int, typer.Argument(metavar="INCIDENT", help="Its number.")],
    hours: Annotated[float, typer.Option(min=0, help="For so long.")] = 24 * 7,
) -> None:
    """Have nobody reminded of an incident for some time; that it is over is told."""
    from daybreak.cli.display import out
    from daybreak.ledger.incidents import silence

    until = datetime.now(UTC) + timedelta(hours=hours)
    with open_workspace() as workspace:
        workspace.see_to_ledger()
        silence(workspace.warehouse, incident, until, _who())
    out.print(f"Nobody is reminded of incident {incident} until {until:%Y-%m-%d %H:%M} UTC.")


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in a container
        return "somebody"
