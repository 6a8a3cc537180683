"""Source tables: a CSV file's rows in schema ``sources``, kept for each day that a file told of.

A file without dates tells how things stood at the end of some day. A partition reads the newest rows that were told by
then, so a day that is run again reads what it read before, and no day reads what was told later.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from daybreak.errors import SourceRefused
from daybreak.tables import source_statements as statements
from daybreak.tables.source_statements import AS_OF, LOADING, SCHEMA
from daybreak.tables.statements import literal
from daybreak.warehouse.bulk_connections import lock_bulk
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import first_line, is_transient

if TYPE_CHECKING:
    import pyarrow as pa

# A file with fewer of the keys that were there for its day is more likely cut off than right.
_MAY_LEAVE = 0.1
# Up to here every whole number is one among those that have decimals, too.
_EXACT = 2**53


@dataclass(frozen=True)
class Difference:
    """How new rows differ from those of ``day``: how many keys leave, come, and have other values.

    The day is their own, which they take the place of, or the newest before it; None where nothing was told before.
    """

    rows: int
    day: date | None = None
    before: int = 0
    leave: int = 0
    come: int = 0
    change: int = 0


def source_schema(warehouse: Warehouse, name: str) -> "pa.Schema | None":
    """Return the columns of ``sources.<name>`` besides the day, None where there is no such table."""
    import pyarrow as pa

    found = warehouse.table_schema(SCHEMA, name)
    return None if found is None else pa.schema([field for field in found if field.name != AS_OF])


def load_rows(
    warehouse: Warehouse,
    name: str,
    rows: "pa.Table",
    as_of: date,
    *,
    key: Sequence[str],
    originals: Mapping[str, str],
    replace: bool = False,
    to_replace: str = "load it again with `--replace`",
    widen: bool = False,
    announce: Callable[[Difference], None] = lambda difference: None,
) -> Difference:
    """Put rows into ``sources.<name>`` as what was told of a day, in the place of what was told of it before.

    A table that is missing is made for the rows, which the columns ``key`` tell apart; ``originals`` holds what their
    columns are called in the file. With ``widen`` the table takes further columns, and decimals for whole numbers. One
    transaction: readers see the old rows or the new ones, and a process that dies leaves nothing. What is about to
    change is announced. Raises SourceRefused where the rows do not suit the table that is there, and where more than a
    tenth of the keys that the day has would be gone, unless that is asked for by ``replace``; ``to_replace`` says how.
    """
    from adbc_driver_manager import Error

    with warehouse.bulk() as connection, connection.cursor() as cursor:
        try:
            types = _table(cursor, name, rows, key, originals, widen)
            cursor.adbc_ingest(LOADING, rows, mode="create", temporary=True)
            difference = _compared(cursor, name, rows.num_rows, as_of, types, key)
            announce(difference)
            if not replace:
                _refuse_cut_off(name, as_of, difference, to_replace)
            _run(cursor, statements.replace_day(name, as_of, {column: types[column] for column in rows.column_names}))
            cursor.execute(statements.analyze(name, key))
        except Error as error:
            if is_transient(error):
                raise
            raise SourceRefused(
                f"The file cannot be loaded into {SCHEMA}.{name}: {first_line(error)}.",
                next_step="mend the file or the table.",
            ) from error
        connection.commit()
    return difference


def _table(
    cursor: Any, name: str, rows: "pa.Table", key: Sequence[str], originals: Mapping[str, str], widen: bool
) -> dict[str, str]:
    """Make the table where it is missing, and widen it; return the types of its columns."""
    lock_bulk(cursor, f"{SCHEMA}/{name}")
    cursor.execute(f"SELECT to_regclass({literal(statements.named(name))})::text")
    if cursor.fetchone()[0] is None:
        # Two pipelines that make the schema at once would be in each other's way.
        lock_bulk(cursor, SCHEMA)
        _run(cursor, statements.make_source_table(name, rows.schema, key, originals))
    found = _columns(cursor, name)
    if widen:
        _widen(cursor, name, rows, {column: kind for column, kind, _ in found}, originals)
        found = _columns(cursor, name)
    _refuse_other(name, rows, key, found)
    return {column: kind for column, kind, _ in found}


def _columns(cursor: Any, name: str) -> list[tuple[str, str, bool]]:
    cursor.execute(statements.column_types(name))
    return list(cursor.fetchall())


def _run(cursor: Any, several: Iterable[str]) -> None:
    for statement in several:
        cursor.execute(statement)


def _widen(cursor: Any, name: str, rows: "pa.Table", types: dict[str, str], originals: Mapping[str, str]) -> None:
    import pyarrow as pa

    for field in rows.schema:
        if field.name not in types:
            _run(cursor, statements.add_source_column(name, field, originals[field.name]))
        elif pa.types.is_floating(field.type) and types[field.name] in ("smallint", "integer", "bigint"):
            cursor.execute(statements.largest(name, field.name))
            most = cursor.fetchone()[0]
            if most is not None and int(most) > _EXACT:
                raise SourceRefused(
                    f"Column {field.name} of {SCHEMA}.{name} holds {most}, which would lose digits beside decimals.",
                    next_step="mend the file so that the column has whole numbers alone.",
                )
            cursor.execute(statements.hold_decimals(name, field.name))


def _refuse_other(name: str, rows: "pa.Table", key: Sequence[str], found: list[tuple[str, str, bool]]) -> None:
    wanted = [column for column, _, _ in found if column != AS_OF]
    missing = [column for column in wanted if column not in rows.column_names]
    further = [column for column in rows.column_names if column not in wanted]
    if missing or further:
        what = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"also has {', '.join(further)}"] * bool(further)
        raise SourceRefused(
            f"The file {' and '.join(what)}, compared with table {SCHEMA}.{name}.",
            next_step="export it with the columns of the table, or give the new pipeline another name.",
        )
    told_apart = {column for column, _, is_key in found if is_key} - {AS_OF}
    if told_apart and told_apart != set(key):
        raise SourceRefused(
            f"The rows of {SCHEMA}.{name} are told apart by {', '.join(sorted(told_apart))}, "
            f"and those of the file by {', '.join(key)}.",
            next_step="declare the `entity_key` that the table has, or give the new pipeline another name.",
        )


def _compared(
    cursor: Any, name: str, rows: int, as_of: date, types: Mapping[str, str], key: Sequence[str]
) -> Difference:
    cursor.execute(statements.compared_day(name, as_of))
    day = cursor.fetchone()[0]
    if day is None:
        return Difference(rows)
    told = {column: kind for column, kind in types.items() if column != AS_OF}
    cursor.execute(statements.compare(name, day, told, key))
    return Difference(rows, day, *map(int, cursor.fetchone()))


def _refuse_cut_off(name: str, as_of: date, difference: Difference, to_replace: str) -> None:
    if difference.day == as_of and difference.leave > difference.before * _MAY_LEAVE:
        raise SourceRefused(
            f"{difference.leave:,} of the {difference.before:,} keys that {SCHEMA}.{name} has as of {as_of} are not in "
            "the file; nothing was changed.",
            next_step=f"see whether the file is whole, and of that day (`--as-of`); if it is right, {to_replace}.",
        )
