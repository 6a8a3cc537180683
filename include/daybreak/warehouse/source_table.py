"""Source tables: a CSV file's rows in schema ``sources``, kept for each day that a file told of.

A file without dates tells how things stood at the end of some day. A partition reads the newest rows that were told by
then, so a day that is run again reads what it read before, and no day reads what was told later.
"""

from datetime import date
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused
from daybreak.warehouse.database import Warehouse, refused_by_source

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "sources"


def load_rows(warehouse: Warehouse, name: str, rows: "pa.Table", as_of: date, tables: str | None = None) -> int:
    """Put rows into ``sources.<name>`` as what was told of a day, in the place of what was told of it before.

    ``tables`` is the SQL that makes the table where it is missing. One transaction: readers see the old rows or the new
    ones, and a process that dies leaves nothing.
    """
    from adbc_driver_manager import Error

    with warehouse.bulk() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock(hashtextextended('{SCHEMA}/{name}', 0))")
        cursor.fetchone()
        cursor.execute(f"SELECT to_regclass('{SCHEMA}.{name}')::text")
        if cursor.fetchone()[0] is None and tables:
            for statement in tables.split(";\n"):
                if statement.strip():
                    cursor.execute(statement)
        try:
            schema = connection.adbc_get_table_schema(name, db_schema_filter=SCHEMA)
        except Error as error:
            raise SourceRefused(
                f"There is no table {SCHEMA}.{name}.", next_step="make the pipeline with `daybreak new`."
            ) from error
        conformed = _conformed(name, rows, schema)
        cursor.execute(f"DELETE FROM {SCHEMA}.{name} WHERE as_of = '{as_of.isoformat()}'")
        try:
            loaded = cursor.adbc_ingest(name, _dated(conformed, as_of), mode="append", db_schema_name=SCHEMA)
        except Error as error:
            raise refused_by_source(error, f"{SCHEMA}.{name}") from error
        connection.commit()
    return int(loaded)


def _conformed(name: str, rows: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    wanted = [field for field in schema if field.name != "as_of"]
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

    return rows.append_column("as_of", pa.repeat(pa.scalar(as_of, pa.date32()), rows.num_rows))
