"""Source tables: a CSV file's rows in schema ``sources``, kept for each day that a file told of.

A file without dates tells how things stood at the end of some day. A partition reads the newest rows that were told by
then, so a day that is run again reads what it read before, and no day reads what was told later.
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from daybreak.errors import SourceRefused
from daybreak.tables.source_statements import AS_OF, SCHEMA, make_source_table
from daybreak.tables.statements import literal
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import is_transient, refused_by_source
from daybreak.warehouse.identifiers import quoted

if TYPE_CHECKING:
    import pyarrow as pa


def load_rows(
    warehouse: Warehouse, name: str, rows: "pa.Table", as_of: date, *, key: str, originals: Mapping[str, str]
) -> int:
    """Put rows into ``sources.<name>`` as what was told of a day, in the place of what was told of it before.

    A table that is missing is made for the rows, which the column ``key`` tells apart; ``originals`` holds what their
    columns are called in the file. One transaction: readers see the old rows or the new ones, and a process that dies
    leaves nothing. Raises SourceRefused where the rows do not suit the table that is there.
    """
    from adbc_driver_manager import Error

    with warehouse.bulk() as connection, connection.cursor() as cursor:
        try:
            schema = _table(connection, cursor, name, rows, key, originals)
            conformed = _conformed(name, rows, schema)
            cursor.execute(f"DELETE FROM {_named(name)} WHERE {AS_OF} = '{as_of.isoformat()}'")
            loaded = cursor.adbc_ingest(name, _dated(conformed, as_of), mode="append", db_schema_name=SCHEMA)
        except Error as error:
            if is_transient(error):
                raise
            raise refused_by_source(error, f"{SCHEMA}.{name}") from error
        connection.commit()
    return int(loaded)


def _table(
    connection: Any, cursor: Any, name: str, rows: "pa.Table", key: str, originals: Mapping[str, str]
) -> "pa.Schema":
    _lock(cursor, f"{SCHEMA}/{name}")
    cursor.execute(f"SELECT to_regclass({literal(_named(name))})::text")
    if cursor.fetchone()[0] is None:
        # Two pipelines that make the schema at once would be in each other's way.
        _lock(cursor, SCHEMA)
        for statement in make_source_table(name, rows.schema, key, originals):
            cursor.execute(statement)
    return connection.adbc_get_table_schema(name, db_schema_filter=SCHEMA)


def _lock(cursor: Any, what: str) -> None:
    cursor.execute(f"SELECT pg_advisory_xact_lock(hashtextextended({literal(what)}, 0))")
    cursor.fetchone()


def _named(name: str) -> str:
    return f"{SCHEMA}.{quoted(name)}"


def _conformed(name: str, rows: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    wanted = [field for field in schema if field.name != AS_OF]
    found = set(rows.column_names)
    missing = [field.name for field in wanted if field.name not in found]
    further = [column for column in rows.column_names if column not in schema.names]
    if missing or further:
        what = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"also has {', '.join(further)}"] * bool(further)
        raise SourceRefused(
            f"The file {' and '.join(what)}, compared with table {SCHEMA}.{name}.",
            next_step="export it with the columns of the table, or give the new pipeline another name.",
        )
    columns = []
    for field in wanted:
        try:
            columns.append(rows[field.name].cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SourceRefused(
                f"Column {field.name} is {rows[field.name].type} in the file and {field.type} in {SCHEMA}.{name}.",
                next_step="mend the file, or give the new pipeline another name.",
            ) from error
    return pa.table(columns, names=[field.name for field in wanted])


def _dated(rows: "pa.Table", as_of: date) -> "pa.Table":
    import pyarrow as pa

    return rows.append_column(AS_OF, pa.repeat(pa.scalar(as_of, pa.date32()), rows.num_rows))
