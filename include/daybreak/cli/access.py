"""The commands around the warehouse: its address, its roles, what is missing."""

from typing import Annotated

import typer

from daybreak.cli.arguments import Json, open_workspace
from daybreak.errors import ConfigurationError

access = typer.Typer()
_Role = Annotated[
    str | None,
    typer.Option("--role", help="As owner, pipeline or reader; without a password, which is the login's own."),
]


@access.command()
def url(
    role: _Role = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Without the password: psql and libraries read it from PGPASSFILE.")
    ] = False,
    service: Annotated[
        bool, typer.Option("--service", help="As section `daybreak` of a service file, without the password.")
    ] = False,
) -> None:
    """Print the warehouse's URL as psql reads it, password included; SQLAlchemy wants postgresql+psycopg2."""
    from daybreak.warehouse.roles import ROLES, refuse_missing, role_names

    if role is not None and role not in ROLES:
        raise typer.BadParameter(f"choose one of {', '.join(ROLES)}", param_hint="--role")
    with open_workspace() as workspace:
        found = workspace.warehouse.url.set(drivername="postgresql")
        if role:
            workspace.see_to_ledger()  # its migrations make the roles
            name = role_names(workspace.warehouse)[role]
            refuse_missing(workspace.warehouse, name)
            found = found.set(username=name)
        if role or no_password or service:
            found = found._replace(password=None)
    if service:
        values = {
            "host": found.host,
            "port": found.port,
            "dbname": found.database,
            "user": found.username,
            **found.query,
        }
        print("\n".join(["[daybreak]", *(f"{name}={value}" for name, value in values.items() if value)]))
    else:
        print(found.render_as_string(hide_password=False))


@access.command()
def roles(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements, and change nothing.")] = False,
) -> None:
    """Make the roles owner, pipeline and reader; where the login may not, print the statements that do."""
    from daybreak.cli.display import print_table
    from daybreak.models.served import is_served
    from daybreak.starting.databases import give_registry
    from daybreak.warehouse.roles import ROLES, registry_statements, role_names, role_statements, see_to_roles

    with open_workspace() as workspace:
        workspace.see_to_ledger()  # its migrations describe the roles
        names = role_names(workspace.warehouse)
        refusal = None
        if not dry_run:
            refusal = see_to_roles(workspace.warehouse).refusal or give_registry(workspace, names)
        if dry_run or refusal:
            lines = list(role_statements(workspace.warehouse))
            if not is_served(workspace.registry_url):
                lines += [f"\\connect {_registry_name(workspace.registry_url)}", *registry_statements(names)]
            print("\n".join(line if line.startswith("\\") else f"{line};" for line in lines))
    if refusal:
        raise ConfigurationError(
            f"This login may not make the roles ({refusal}).",
            next_step="have the statements above run by a superuser: `daybreak roles --dry-run` prints them alone.",
        )
    if not dry_run:
        print_table("Roles", ["role", "what it may do"], [[names[kind], text] for kind, text in ROLES.items()])


@access.command()
def doctor(json: Json = False) -> None:
    """Look at all that is needed, change nothing, and say what is missing and how to get it."""
    from dataclasses import asdict

    from daybreak.cli.display import out, print_json
    from daybreak.starting.doctor import examine

    findings = []
    with open_workspace() as workspace:
        for finding in examine(workspace):
            findings.append(finding)
            if not json:
                mark = "missing" if finding.next_step else "ok"
                out.print(f"{mark:<8} {finding.what}: {finding.found}", markup=False, soft_wrap=True)
                if finding.next_step:
                    out.print(f"         Next: {finding.next_step}", markup=False, soft_wrap=True)
    if json:
        print_json([asdict(finding) for finding in findings])
    if any(finding.next_step for finding in findings):
        raise typer.Exit(1)


def _registry_name(url: str) -> str:
    """Return the name of the registry's database, as psql's \\connect takes it."""
    from sqlalchemy.engine import make_url

    return '"' + str(make_url(url).database).replace('"', '""') + '"'
