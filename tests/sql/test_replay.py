"""Replay: quarantined rows get another try, and every other row keeps its prediction."""

from typing import Any

import pytest

from daybreak.errors import ExpectationsFailed, PublicationRefused, SourceRefused
from daybreak.run.replay import replay
from daybreak.run.reproduce import Reproduction, reproduce
from parcels import DAY, ROWS, SHORT_DAY, TRAINED_THROUGH, Parcels, refused

from .conftest import break_weights

MEND = "UPDATE parcels.handed_in SET weight_kg = 1.5 WHERE weight_kg > 50"
MENDED_RULE = "fixture_pipelines.parcel_hours.expectations:mended_rule"


@pytest.fixture
def broken(parcels: Parcels) -> set[tuple[str, int]]:
    """Publish the day without the twelve parcels that the critical rule refuses."""
    keys = break_weights(parcels, 12)
    parcels.run()
    assert len(parcels.forecasts()) == 388
    return keys


def replayed(parcels: Parcels, **options: Any) -> tuple[int, int, int]:
    _, counts, publication = replay(parcels.runner, str(DAY), **options)
    assert publication.published
    assert counts.rows_extracted == counts.rows_quarantined + counts.rows_failed + counts.rows_scored
    assert parcels.current() == [publication.run_id]
    assert reproduce(parcels.runner, publication.run_id) == Reproduction(publication.run_id, counts.rows_scored, 0, [])
    return counts.rows_quarantined, counts.rows_failed, counts.rows_scored


def test_rows_mended_in_the_source_are_published(parcels: Parcels, broken: set[tuple[str, int]]) -> None:
    before = parcels.forecasts()
    # The rest of the source has moved on; it is not read again.
    parcels.execute(MEND, "UPDATE parcels.handed_in SET distance_km = 3 WHERE weight_kg <> 1.5")
    assert replayed(parcels) == (0, 0, ROWS)
    after = parcels.forecasts()
    assert after.keys() - before.keys() == broken
    assert all(after[key] == before[key] for key in before)
    run = parcels.last_run()
    assert (run["parent_run_id"], run["trigger"], run["attempt"]) == (2, "replay", 3)
    assert [reason for *_, reason, _, _ in parcels.publications()] == ["run", "run", "replay"]
    kept = parcels.rows("SELECT run_id, count(*) FROM ledger.quarantine GROUP BY 1")
    assert kept == [(2, 12)], "what was quarantined once stays on record"


def test_replayed_rows_are_scored_as_the_source_has_them_now(parcels: Parcels, broken: set[tuple[str, int]]) -> None:
    parcels.execute(MEND)
    replayed(parcels)
    after = parcels.forecasts()
    parcels.run()
    assert parcels.forecasts() == after


def test_rows_are_published_after_the_rule_was_mended(parcels: Parcels, broken: set[tuple[str, int]]) -> None:
    mended = parcels.declared(expectations=MENDED_RULE)
    # From the snapshot: the source need not be there.
    parcels.execute("ALTER TABLE parcels.handed_in RENAME TO gone")
    assert replayed(mended, read_source=False) == (0, 0, ROWS)
    assert broken <= parcels.forecasts().keys()


def test_a_replay_can_be_replayed(parcels: Parcels, broken: set[tuple[str, int]]) -> None:
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = 1.5 WHERE weight_kg > 1003")
    quarantined, _, _ = replayed(parcels)
    assert 0 < quarantined < 12
    parcels.execute(MEND)
    assert replayed(parcels) == (0, 0, ROWS)
    assert parcels.last_run()["parent_run_id"] == 3
    parcels.run()
    assert len(parcels.forecasts()) == ROWS


def test_rows_that_are_still_broken_or_gone_stay_quarantined(parcels: Parcels, broken: set[tuple[str, int]]) -> None:
    gone = min(broken)[1]
    parcels.execute(f"DELETE FROM parcels.handed_in WHERE parcel_id = {gone}")
    before = parcels.forecasts()
    assert replayed(parcels) == (12, 0, 388)
    assert replayed(parcels, read_source=False) == (12, 0, 388)
    assert parcels.forecasts() == before


def test_rows_that_the_model_could_not_score_are_replayed_too(parcels: Parcels) -> None:
    expected = parcels.forecasts()
    parcels.execute("UPDATE parcels.handed_in SET remark = zone, zone = 'moon' WHERE parcel_id IN (8001, 8398)")
    parcels.run()
    assert len(parcels.forecasts()) == 398
    parcels.execute("UPDATE parcels.handed_in SET zone = remark WHERE parcel_id IN (8001, 8398)")
    assert replayed(parcels) == (0, 0, ROWS)
    assert parcels.forecasts() == expected


def test_a_replay_uses_the_model_of_the_run_it_replays(parcels: Parcels, broken: set[tuple[str, int]]) -> None:
    from sklearn.dummy import DummyRegressor

    from fixture_pipelines.parcel_hours.training import build, sample

    rows = sample()
    parcels.register(build(DummyRegressor()).fit(rows, rows["distance_km"]), rows)
    parcels.execute(MEND)
    replayed(parcels)
    assert parcels.rows("SELECT DISTINCT model_version FROM predictions.parcel_hours") == [(1,)]


def test_a_replay_accepts_what_its_run_was_told_to_accept(parcels: Parcels) -> None:
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = 99 WHERE parcel_id IN (5001, 5002)")
    day = TRAINED_THROUGH.replace(day=6)
    parcels.run(day, allow_leakage=True)
    parcels.execute(MEND)
    replay(parcels.runner, str(day))
    assert len(parcels.forecasts(day)) == ROWS
    assert parcels.last_run()["leakage_allowed"]


def test_rolling_back_a_replay_shows_the_run_it_replayed(parcels: Parcels, broken: set[tuple[str, int]]) -> None:
    before = parcels.forecasts()
    parcels.execute(MEND)
    replayed(parcels)
    assert parcels.runner.publisher.roll_back(str(DAY)).run_id == 2
    assert parcels.forecasts() == before


def test_a_replay_that_fails_leaves_the_publication_as_it_is(parcels: Parcels, broken: set[tuple[str, int]]) -> None:
    strict = parcels.declared(expectations="fixture_pipelines.parcel_hours.expectations:failing_batch")
    with refused(parcels, ExpectationsFailed, "The batch breaks 1 critical expectation(s)", "mend the rule"):
        replay(strict.runner, str(DAY))
    parcels.execute("ALTER TABLE parcels.handed_in RENAME TO gone")
    with refused(parcels, SourceRefused, 'relation "parcels.handed_in" does not exist', "mend the source"):
        replay(parcels.runner, str(DAY))


def test_there_has_to_be_something_to_replay(parcels: Parcels) -> None:
    with pytest.raises(SourceRefused, match=r"^parcel_hours 2024-03-09: No row is quarantined\. Next: "):
        replay(parcels.runner, str(DAY))
    with pytest.raises(PublicationRefused, match=r"^parcel_hours 2024-03-10: Nothing is published\. Next: run it"):
        replay(parcels.runner, str(SHORT_DAY))
    assert parcels.last_run()["run_id"] == 1
