"""What tests of the stages ask for besides the fixtures of tests/conftest.py."""

from collections.abc import Callable

import pytest

from parcels import Parcels

Way = Callable[..., object]


@pytest.fixture(params=["as one stream", "task by task"])
def run(request: pytest.FixtureRequest, parcels: Parcels) -> Way:
    """Run the pipeline, once in each of the two ways there are."""
    return parcels.run if request.param == "as one stream" else parcels.run_by_tasks


def break_weights(parcels: Parcels, rows: int) -> set[tuple[str, int]]:
    """Make so many of the day's parcels heavier than the critical rule allows; return their entity keys."""
    step = 400 // rows
    broken = f"parcel_id BETWEEN 8000 AND 8399 AND parcel_id % {step} = 0 AND parcel_id < 8000 + {rows * step}"
    parcels.execute(f"UPDATE parcels.handed_in SET weight_kg = 1000 + parcel_id % 7 WHERE {broken}")
    found = {
        (str(depot), int(parcel))
        for depot, parcel in parcels.rows(
            f"SELECT depot, parcel_id FROM parcels.handed_in WHERE {broken}".replace("%", "%%")
        )
    }
    assert len(found) == rows
    return found
