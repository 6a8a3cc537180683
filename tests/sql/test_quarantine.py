"""What a stage sets aside takes the place of what it set aside before: all at once, and nothing of another stage."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import pyarrow as pa
import pytest

from daybreak.batch.chunk import Chunk, Rejected
from daybreak.ledger.quarantine import Quarantine
from parcels import Parcels


class Trying:
    """A run whose stages set rows aside by number."""

    def __init__(self, parcels: Parcels) -> None:
        self.parcels = parcels
        self.run_id = parcels.plan().run_id
        self.quarantine = Quarantine(parcels.workspace.warehouse, self.run_id, ("parcel_id",))

    def replacing(self, stage: str) -> AbstractContextManager[Callable[[Rejected], None]]:
        return self.quarantine.replacing(stage)

    def set_aside(self, stage: str, *numbers: int, raised: BaseException | None = None) -> None:
        with self.replacing(stage) as set_aside:
            set_aside(rejected(stage, *numbers))
            if raised:
                raise raised

    def there(self) -> list[tuple[int, str]]:
        wanted = "SELECT row_number, stage FROM ledger.quarantine WHERE run_id = %s ORDER BY row_number"
        return [(number, stage) for number, stage in self.parcels.rows(wanted, self.run_id)]


def rejected(stage: str, *numbers: int, note: str = "") -> Rejected:
    rows = pa.record_batch({"parcel_id": pa.array(numbers, pa.int64()), "note": pa.array([note] * len(numbers))})
    return Rejected(stage, Chunk(rows, np.array(numbers)), [["it is too heavy"] for _ in numbers])


@pytest.fixture
def trying(parcels: Parcels) -> Iterator[Trying]:
    yield Trying(parcels)
    parcels.workspace.ledger.close()


def test_what_was_set_aside_before_is_there_until_all_that_takes_its_place_is(trying: Trying) -> None:
    trying.set_aside("validate", 1, 2, 3)
    with trying.replacing("validate") as set_aside:
        for number in (2, 5, 7):
            set_aside(rejected("validate", number))
        assert trying.quarantine.numbers("validate").tolist() == [1, 2, 3]
    assert trying.quarantine.numbers("validate").tolist() == [2, 5, 7]
    with trying.replacing("validate"):
        pass
    assert trying.there() == []


def test_what_another_stage_set_aside_stays(trying: Trying) -> None:
    trying.set_aside("validate", 1, 2)
    trying.set_aside("score", 4)
    trying.set_aside("validate", 1)
    assert trying.there() == [(1, "validate"), (4, "score")]
    trying.set_aside("score", 5)
    assert trying.there() == [(1, "validate"), (5, "score")]


def test_rows_of_a_stage_that_raised_say_why_and_an_interrupted_one_leaves_what_was_there(trying: Trying) -> None:
    trying.set_aside("validate", 1)
    with pytest.raises(ValueError, match="too many"):
        trying.set_aside("validate", 2, 3, raised=ValueError("too many"))
    assert trying.there() == [(2, "validate"), (3, "validate")]
    with pytest.raises(KeyboardInterrupt):
        trying.set_aside("validate", 4, raised=KeyboardInterrupt())
    assert trying.there() == [(2, "validate"), (3, "validate")]


def test_what_was_set_aside_of_another_snapshot_is_forgotten_before_this_one_is_recorded(trying: Trying) -> None:
    trying.parcels.workspace.ledger.record(trying.run_id, snapshot_digest="one")
    trying.set_aside("validate", 1)
    trying.set_aside("score", 4)
    trying.quarantine.forget_other_snapshot("one")
    assert len(trying.there()) == 2
    trying.quarantine.forget_other_snapshot("another")
    assert trying.there() == []


def test_more_than_is_held_in_memory_comes_to_the_same(trying: Trying) -> None:
    with trying.replacing("score") as set_aside:
        for number in (2, 3, 5):
            set_aside(rejected("score", number, note="x" * 4_000_000))
    kept = "SELECT row_number, length(payload->>'note') FROM ledger.quarantine WHERE run_id = %s ORDER BY 1"
    assert trying.parcels.rows(kept, trying.run_id) == [(2, 4_000_000), (3, 4_000_000), (5, 4_000_000)]
