import time

from daybreak.declaration.segments import ModelRef
from daybreak.run.reproduce import reproduce
from parcels import Parcels


def test_a(parcels: Parcels) -> None:
    before = parcels.answers()
    own = parcels.declared(model=ModelRef("parcel_hours", environment="own"))
    t = time.time()
    own.run()
    print(time.time() - t)
    t = time.time()
    own.run()
    print(time.time() - t)
    assert own.answers() == before
    print(own.rows("select * from ledger.run_segments"))
    print(reproduce(own.runner, 2))
    own.run_by_tasks()
    assert own.answers() == before
