"""Granted: who owns and may read a view or function that is made anew, as statements that give it back."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.tables.found import Found
from daybreak.warehouse.identifiers import quoted

_OWNER = "SELECT pg_get_userbyid(found.{owner}), pg_get_userbyid(found.{owner}) = current_user FROM {catalog} AS found"
_GRANTS = (
    "SELECT CASE given.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(given.grantee) END, given.privilege_type, "
    "given.is_grantable, '' FROM {catalog} AS found "
    "CROSS JOIN LATERAL aclexplode(coalesce(found.{acl}, acldefault('{letter}', found.{owner}))) AS given "
    "WHERE found.oid = :oid AND given.grantee <> found.{owner}"
)
_COLUMN_GRANTS = (
    " UNION ALL SELECT CASE given.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(given.grantee) END, "
    "given.privilege_type, given.is_grantable, columns.attname FROM pg_attribute AS columns "
    "CROSS JOIN LATERAL aclexplode(columns.attacl) AS given "
    "WHERE columns.attrelid = :oid AND columns.attnum > 0 AND NOT columns.attisdropped"
)
# Whom everything that is made in the schema is granted to by default.
_DEFAULTS = sa.text(
    "SELECT DISTINCT pg_get_userbyid(given.grantee) FROM pg_default_acl AS defaults "
    "CROSS JOIN LATERAL aclexplode(defaults.defaclacl) AS given "
    "WHERE defaults.defaclobjtype = :letter AND given.grantee NOT IN (0, defaults.defaclrole)"
)
_OPTIONS = sa.text("SELECT unnest(reloptions) FROM pg_class WHERE oid = :oid")


def granted_again(connection: Connection, found: Found, name: str, kept: set[str]) -> list[str]:
    """Return statements that give a view or function, once made anew, the owner and the grants that it has.

    ``name`` is how statements call it; grants on columns that are not ``kept`` go with them.
    """
    function = found.kind == "p"
    names = (
        {"catalog": "pg_proc", "acl": "proacl", "owner": "proowner", "letter": "f"}
        if function
        else {"catalog": "pg_class", "acl": "relacl", "owner": "relowner", "letter": "r"}
    )
    kind, oid = ("FUNCTION", {"oid": found.oid}) if function else ("TABLE", {"oid": found.oid})
    owner, ours = connection.execute(sa.text(f"{_OWNER.format(**names)} WHERE found.oid = :oid"), oid).one()
    defaults = connection.scalars(_DEFAULTS, {"letter": names["letter"]})
    statements = [f"REVOKE ALL ON {kind} {name} FROM {', '.join(['PUBLIC', *map(quoted, defaults)])}"]
    grants = _GRANTS.format(**names) + ("" if function else _COLUMN_GRANTS)
    for grantee, privilege, grantable, column in connection.execute(sa.text(f"{grants} ORDER BY 1, 2, 4"), oid):
        if column and column not in kept:
            continue
        of = f" ({quoted(column)})" if column else ""
        option = " WITH GRANT OPTION" if grantable else ""
        statements.append(
            f"GRANT {privilege}{of} ON {kind} {name} TO {quoted(grantee) if grantee else 'PUBLIC'}{option}"
        )
    if not function:
        statements += [f"ALTER TABLE {name} SET ({option})" for option in connection.scalars(_OPTIONS, oid)]
    if not ours:
        statements.append(f"ALTER {kind} {name} OWNER TO {quoted(owner)}")
    return statements
