"""The commands of the stack on this machine."""

from typing import Annotated

import typer

from daybreak.cli.arguments import IntoNamedWarehouse
from daybreak.settings import read_settings

local = typer.Typer()


@local.callback()
def refuse_without_checkout() -> None:
    """The stack on this machine: PostgreSQL, Airflow, a promotions system; nothing to install."""
    _ = read_settings().checkout


@local.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="With the demonstration's data, models and DAGs.")] = False,
    airflow: Annotated[bool, typer.Option("--airflow/--no-airflow", help="Airflow too, or just the database.")] = True,
    into_named_warehouse: IntoNamedWarehouse = False,
) -> None:
    """Run the stack in the foreground, for the pipelines of DAYBREAK_PIPELINES; Ctrl-C stops everything."""
    from daybreak.cli.screen import Terminal
    from daybreak.local.stack import keep_up

    options = {"demo": demo, "airflow": airflow, "into_named_warehouse": into_named_warehouse}
    keep_up(read_settings(), Terminal(clock=False), **options)


@local.command()
def down() -> None:
    """Stop a stack that was started in another shell."""
    from daybreak.cli.display import out
    from daybreak.local.airflow_status import end_airflow

    out.print("Stopped." if end_airflow(read_settings()) else "Nothing was running.")


@local.command()
def status(json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """Show what of the stack runs."""
    from dataclasses import asdict

    from daybreak.cli.display import print_json, print_table
    from daybreak.embedded.postgres import EmbeddedPostgres
    from daybreak.local.airflow_status import ComponentStatus, airflow_status

    settings = read_settings()
    running = EmbeddedPostgres(settings.home).running()
    found = [ComponentStatus("postgres", None, running), *airflow_status(settings)]
    if json:
        print_json([asdict(component) for component in found])
    else:
        print_table(
            str(settings.home),
            ["component", "pid", "healthy", "address"],
            [[c.name, str(c.pid or "-"), c.healthy, c.url] for c in found],
        )


@local.command()
def demo(into_named_warehouse: IntoNamedWarehouse = False) -> None:
    """Load real data, train, run the pipelines through a real Airflow, show the result, stop everything."""
    from daybreak.cli.screen import Terminal
    from daybreak.local.demonstration import demonstrate

    demonstrate(read_settings(), Terminal(clock=True), into_named_warehouse=into_named_warehouse)
