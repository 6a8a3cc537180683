"""The databases that Daybreak lives in: made where the login may, else the statements that make them."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from daybreak.errors import ConfigurationError, WarehouseUnavailable
from daybreak.models.served import is_served
from daybreak.warehouse.database import Warehouse, with_driver
from daybreak.warehouse.faults import sqlstate
from daybreak.warehouse.identifiers import quoted
from daybreak.warehouse.migrations import migrate, pending
from daybreak.warehouse.roles import registry_statements, see_to_roles
from daybreak.workspace import Workspace

# A database that every server has.
_ALWAYS_THERE = ("postgres", "template1")
_DENIED = "42501"


@dataclass(frozen=True)
class Step:
    """What was done, or found done already; or the statements that somebody with more rights has to run for it."""

    says: str
    statements: tuple[str, ...] = ()


def prepare(workspace: Workspace, *, dry_run: bool = False) -> list[Step]:
    """Make what is missing: databases, schemas and tables of the ledger, roles; with ``dry_run`` only say what is."""
    if dry_run:
        return _to_be_made(workspace)
    steps = [see_to_database(url) for url in (workspace.warehouse.url, *_registries(workspace))]
    if steps[0].statements:
        return steps
    try:
        applied = migrate(workspace.warehouse)
    except (ConfigurationError, sa.exc.DBAPIError) as error:
        if sqlstate(error.__cause__ or error) != _DENIED:
            raise
        return [*steps, Step("The schemas of the ledger cannot be made by this login.", _rights(workspace.warehouse))]
    given = see_to_roles(workspace.warehouse)
    made = f"{len(applied)} files of sql/ledger were applied." if applied else "The ledger's tables are up to date."
    roles = (
        f"The roles could not be made ({given.refusal}): `daybreak roles` prints the statements."
        if given.refusal
        else f"Roles: {', '.join(given.names.values())}."
    )
    return [*steps, Step(made), Step(roles)]


def _to_be_made(workspace: Workspace) -> list[Step]:
    if workspace.settings.warehouse_url is None:
        return [Step(f"The embedded PostgreSQL in {workspace.settings.home} would be started, and what it lacks made.")]
    there = {url: _connects(url) for url in (workspace.warehouse.url, *_registries(workspace))}
    said = [f"Database {url.database} {'is there' if found else 'would be made'}." for url, found in there.items()]
    if not there[workspace.warehouse.url]:
        said.append("The ledger's tables would be made.")
    elif left := pending(workspace.warehouse):
        said.append(f"{len(left)} files of sql/ledger would be applied.")
    else:
        said.append("The ledger's tables are up to date.")
    return [*map(Step, said), Step("Roles that are missing would be made: `daybreak roles --dry-run` prints how.")]


def _registries(workspace: Workspace) -> list[URL]:
    """Return the URL of the registry's database, if it is one of PostgreSQL beside the warehouse."""
    registry = make_url(with_driver(workspace.registry_url))
    beside = registry.get_backend_name() == "postgresql" and registry.database != workspace.warehouse.url.database
    return [registry] if beside else []


def see_to_database(url: URL) -> Step:
    """Make a database that is not there. Raises WarehouseUnavailable where no server answers."""
    name = str(url.database)
    if _connects(url):
        return Step(f"Database {name} is there.")
    create = f"CREATE DATABASE {quoted(name)}"
    for other in _ALWAYS_THERE:
        engine = sa.create_engine(url.set(database=other), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(create.replace("%", "%%"))
        except sa.exc.OperationalError:
            continue
        except sa.exc.ProgrammingError as error:
            if sqlstate(error) != _DENIED:
                raise
            break
        return Step(f"Database {name} was made.")
    return Step(
        f"Database {name} cannot be made by this login.", (f"{create} OWNER {quoted(str(url.username or 'postgres'))}",)
    )


def give_registry(workspace: Workspace, names: dict[str, str]) -> str | None:
    """Let the roles use MLflow's store, where it is on the warehouse's server; return why not, if not."""
    if is_served(workspace.registry_url):
        return None
    url = make_url(with_driver(workspace.registry_url))
    warehouse = workspace.warehouse.url
    if (url.host, url.port, url.query.get("host")) != (warehouse.host, warehouse.port, warehouse.query.get("host")):
        return None
    try:
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            for statement in registry_statements(names):
                connection.exec_driver_sql(statement.replace("%", "%%"))
    except sa.exc.DBAPIError as error:
        return " ".join(str(error.orig).split())
    return None


def _connects(url: URL) -> bool:
    try:
        with sa.create_engine(url, poolclass=sa.NullPool).connect():
            return True
    except sa.exc.OperationalError as error:
        reason = " ".join(str(error.orig).split())
        if f'database "{url.database}" does not exist' in reason:
            return False
        raise WarehouseUnavailable(
            f"The server does not let this login in ({reason}).",
            next_step="see that the URL's host, port, login, password and sslmode are right, and that it is up.",
        ) from error


def _rights(warehouse: Warehouse) -> tuple[str, ...]:
    with warehouse.begin() as connection:
        database, login = connection.exec_driver_sql("SELECT current_database(), current_user").one()
    return (f"GRANT CONNECT, CREATE ON DATABASE {quoted(database)} TO {quoted(login)}",)
