"""Source looks: whether the source of what is current had changed, as it was found the last time somebody asked."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from daybreak.ledger.tables import source_looks
from daybreak.warehouse.database import Warehouse


def record_looks(warehouse: Warehouse, changed: Mapping[int, bool], looked_at: datetime) -> None:
    """Write down of runs, by their number, whether their source has changed; an earlier look does not undo a later."""
    if not changed:
        return
    rows = [{"run_id": run, "changed": found, "looked_at": looked_at} for run, found in sorted(changed.items())]
    statement = insert(source_looks).values(rows)
    statement = statement.on_conflict_do_update(
        index_elements=[source_looks.c.run_id],
        set_={name: statement.excluded[name] for name in ("changed", "looked_at")},
        where=source_looks.c.looked_at <= statement.excluded.looked_at,
    )
    with warehouse.begin() as connection:
        connection.execute(statement)
