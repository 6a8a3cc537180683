"""Datasets: what a query reads, named as OpenLineage names it, so that others' lineage meets ours in the same place."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from daybreak.declaration.files import FileTable, IcebergTable
from daybreak.warehouse.database import Warehouse, rendered
from daybreak.warehouse.sql_file import SqlFile

_READ_ONLY = "SET TRANSACTION READ ONLY"
# A partition is read, and the table that it is one of is what people know.
_ROOTS = sa.text(
    "SELECT DISTINCT namespaces.nspname, roots.relname "
    "FROM unnest(CAST(:schemas AS text[]), CAST(:names AS text[])) AS read (schema, name) "
    "JOIN pg_namespace AS read_in ON read_in.nspname = read.schema "
    "JOIN pg_class AS found ON found.relnamespace = read_in.oid AND found.relname = read.name "
    "JOIN pg_class AS roots ON roots.oid = coalesce(pg_partition_root(found.oid), found.oid) "
    "JOIN pg_namespace AS namespaces ON namespaces.oid = roots.relnamespace "
    "ORDER BY 1, 2"
)


@dataclass(frozen=True)
class DatasetName:
    """A dataset's name: where it is, and what it is called there."""

    namespace: str
    name: str


def postgres_namespace(url: URL) -> str:
    """Return where a PostgreSQL's tables are, without login: one reached through a folder is this machine's."""
    query_host = url.query.get("host")
    host = url.host or (query_host if isinstance(query_host, str) else None) or "localhost"
    return f"postgres://{socket.gethostname() if host.startswith('/') else host}:{url.port or 5432}"


def table_name(warehouse: Warehouse, schema: str, table: str) -> DatasetName:
    """Return the name of a table of a PostgreSQL."""
    return DatasetName(postgres_namespace(warehouse.url), f"{warehouse.url.database}.{schema}.{table}")


def file_dataset(root: str, table: FileTable) -> DatasetName:
    """Return the name of a declared table of files below a folder or a bucket, or of a catalog's table."""
    if isinstance(table, IcebergTable):
        return DatasetName("iceberg", table.name)  # the catalog's address may hold its password
    if root.startswith("/"):
        return DatasetName("file", f"{root}/{table.path}")
    bucket, _, prefix = root.partition("://")[2].partition("/")
    return DatasetName(
        f"{root.partition('://')[0]}://{bucket}", "/".join(part for part in (prefix, table.path) if part)
    )


def tables_read(warehouse: Warehouse, sql: SqlFile, binds: dict[str, Any]) -> list[DatasetName]:
    """Return the tables that a query reads by PostgreSQL's plan: those below views too; the query is not run."""
    text = rendered(sql, binds).text
    with warehouse.begin() as connection:
        connection.exec_driver_sql(_READ_ONLY)
        plan = connection.exec_driver_sql(f"EXPLAIN (VERBOSE, FORMAT JSON) {text}".replace("%", "%%")).scalar_one()
        read = sorted(set(_relations(json.loads(plan) if isinstance(plan, str) else plan)))
        named = {"schemas": [schema for schema, _ in read], "names": [name for _, name in read]}
        return [table_name(warehouse, schema, name) for schema, name in connection.execute(_ROOTS, named).tuples()]


def _relations(plan: Any) -> Iterator[tuple[str, str]]:
    if isinstance(plan, list):
        for node in plan:
            yield from _relations(node)
    elif isinstance(plan, dict):
        if "Relation Name" in plan:
            yield plan["Schema"], plan["Relation Name"]
        for value in plan.values():
            yield from _relations(value)
