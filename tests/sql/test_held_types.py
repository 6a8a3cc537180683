"""Rows of every type that a batch may hold go through snapshot, quarantine and replay as they are."""

import pytest

from daybreak.run.replay import replay
from daybreak.run.reproduce import reproduce
from daybreak.warehouse.held_types import HELD
from parcels import DAY, ROWS, Parcels

from .conftest import Way, break_weights

VALUES = {
    "smallint": ("'-32768'", -32768),
    "integer": ("2147483647", 2147483647),
    "bigint": ("9007199254740993", 9007199254740993),
    "real": ("1.1", 1.1),
    "double precision": ("'-Infinity'", "-Infinity"),
    "numeric": ("5.25", 5.25),
    "boolean": ("false", False),
    "text": ("'it''s \"größer\"'", 'it\'s "größer"'),
    "character varying": ("''", ""),
    "character": ("'x'", "x"),
    "date": ("'0044-03-15 BC'", "-0043-03-15"),
    "time without time zone": ("'24:00'", "24:00:00"),
    "timestamp without time zone": ("'9999-12-31 23:59:59.999999'", "9999-12-31T23:59:59.999999"),
    "timestamp with time zone": ("'2024-03-10 02:30:00-05'", "2024-03-10T07:30:00.000000+00:00"),
    "bytea": ("'\\x00ff'", "\\x00ff"),
    "mood": ("'sad'", "sad"),
}


@pytest.mark.parametrize("read_source", [True, False], ids=["from source", "from snapshot"])
def test_rows_of_every_type_are_quarantined_as_they_are_and_replayed(
    parcels: Parcels, run: Way, *, read_source: bool
) -> None:
    assert set(VALUES) == {*HELD.values(), "mood"}
    names = [f"c{n}" for n in range(len(VALUES))]
    columns = [f"ADD {name} {kind}" for name, kind in zip(names, VALUES, strict=True)]
    given = [f"{name} = {written}" for name, (written, _) in zip(names, VALUES.values(), strict=True)]
    parcels.execute(
        "CREATE TYPE mood AS ENUM ('sad')",
        f"ALTER TABLE parcels.handed_in {', '.join(columns)}",
        f"UPDATE parcels.handed_in SET {', '.join(given)} WHERE parcel_id % 2 = 0",
    )
    parcels.rewrite("features", "    remark\n", f"    remark,\n    {', '.join(names)}\n")
    broken = break_weights(parcels, 12)
    run()
    payloads = parcels.rows("SELECT entity_key, payload FROM ledger.quarantine")
    assert {(key["depot"], key["parcel_id"]) for key, _ in payloads} == broken
    for key, payload in payloads:
        shown = [payload[name] for name in names]
        expected = [shown for _, shown in VALUES.values()] if key["parcel_id"] % 2 == 0 else [None] * len(names)
        assert shown == expected
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = 1.5 WHERE weight_kg > 50")
    mended = parcels.declared(expectations="fixture_pipelines.parcel_hours.expectations:mended_rule")
    _, counts, publication = replay(mended.runner, str(DAY), read_source=read_source)
    assert (counts.rows_quarantined, counts.rows_scored) == (0, ROWS)
    assert reproduce(mended.runner, publication.run_id).different == 0
