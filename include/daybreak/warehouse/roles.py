"""The three roles of a warehouse, which a migration describes: made where the login may, else as statements."""

from dataclasses import dataclass

import sqlalchemy as sa

from daybreak.errors import ConfigurationError
from daybreak.warehouse.database import Warehouse, sqlstate

# What each may do, in a few words.
ROLES = {
    "owner": "migrates: makes and alters what is Daybreak's",
    "pipeline": "runs: adds runs and publications, cannot change past ones",
    "reader": "reads the views and as-of functions, and nothing below them",
}
_DENIED, _THERE = "42501", "42710"


@dataclass(frozen=True)
class Given:
    """The roles by kind, and why the login could not make them, if it could not."""

    names: dict[str, str]
    refusal: str | None


def see_to_roles(warehouse: Warehouse) -> Given:
    """Make the roles that are missing and give them their rights, all or none; the ledger is up to date before.

    Raises ConfigurationError where a role of that name is somebody else's.
    """
    try:
        with warehouse.begin() as connection:
            connection.exec_driver_sql("SELECT ledger.see_to_roles()")
    except sa.exc.DBAPIError as error:
        reason = str(getattr(getattr(error.orig, "diag", None), "message_primary", None) or error.orig)
        if sqlstate(error) == _THERE:
            raise ConfigurationError(
                f"{reason[:1].upper()}{reason[1:]}.",
                next_step="rename that role, or the database, and run `daybreak roles` again.",
            ) from error
        if sqlstate(error) != _DENIED:
            raise
        return Given(role_names(warehouse), reason)
    return Given(role_names(warehouse), None)


def role_names(warehouse: Warehouse) -> dict[str, str]:
    """Return the names that this database's roles have, or would have, by kind."""
    with warehouse.begin() as connection:
        return {
            kind: str(connection.scalar(sa.text("SELECT ledger.role_name(:kind)"), {"kind": kind})) for kind in ROLES
        }


def role_statements(warehouse: Warehouse) -> list[str]:
    """Return the statements that make the roles and give them their rights."""
    with warehouse.begin() as connection:
        return list(connection.scalars(sa.text("SELECT * FROM ledger.role_statements()")))


def registry_statements(names: dict[str, str]) -> list[str]:
    """Return the statements that let the roles use MLflow's store, in its own database."""
    quoted = {kind: '"' + name.replace('"', '""') + '"' for kind, name in names.items()}
    both = f"{quoted['owner']}, {quoted['pipeline']}"
    written = "SELECT, INSERT, UPDATE, DELETE ON TABLES"
    return [
        f"GRANT USAGE, CREATE ON SCHEMA public TO {quoted['owner']}",
        f"GRANT USAGE ON SCHEMA public TO {quoted['pipeline']}",
        f"GRANT {written.replace('TABLES', 'ALL TABLES')} IN SCHEMA public TO {both}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {both}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {written} TO {both}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {both}",
    ]


def refuse_missing(warehouse: Warehouse, name: str) -> None:
    """Refuse a role that is not there. Raises ConfigurationError."""
    with warehouse.begin() as connection:
        if connection.scalar(sa.text("SELECT to_regrole(quote_ident(:name))"), {"name": name}) is None:
            raise ConfigurationError(f"There is no role {name} yet.", next_step="make it: `daybreak roles`.")
