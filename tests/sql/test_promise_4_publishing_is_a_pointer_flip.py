"""Promise 4: analysts see the old complete partition or the new complete one, never a mixture, a gap or a duplicate."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise

import pytest
import sqlalchemy as sa

from daybreak.errors import PublicationRefused, WarehouseUnavailable
from daybreak.ledger.runs import lock
from daybreak.workspace import Workspace
from fixture_pipelines.parcel_hours.training import build, sample
from parcels import DAY, ROWS, SHORT_DAY, Parcels, Shown

SEEN = """
SELECT count(*), count(DISTINCT (depot, parcel_id)), count(DISTINCT run_id), round(sum(predicted_hours)::numeric, 3)
FROM predictions.parcel_hours WHERE partition_date = '2024-03-09'
"""


@contextmanager
def watching(parcels: Parcels) -> Iterator[set[tuple[object, ...]]]:
    """Look at the partition without a pause while the body runs; give every distinct answer."""
    seen: set[tuple[object, ...]] = set()
    stop = threading.Event()

    def watch() -> None:
        with parcels.workspace.warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not stop.is_set():
                seen.add(tuple(connection.exec_driver_sql(SEEN).one()))

    readers = [threading.Thread(target=watch) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        yield seen
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def test_a_reader_never_sees_a_gap_a_mixture_or_a_duplicate(parcels: Parcels) -> None:
    from sklearn.dummy import DummyRegressor

    rows = sample()
    model = build(DummyRegressor(strategy="constant", constant=500.0)).fit(rows, rows["distance_km"])
    constant = parcels.register(model, rows).version
    old = parcels.rows(SEEN)[0]
    new = (ROWS, ROWS, 1, ROWS * 500)
    # Every change to what is current takes a while, so that half of a change would be seen.
    parcels.execute(
        "CREATE FUNCTION parcels.dawdle() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN PERFORM pg_sleep(0.03); RETURN NULL; END$$",
        "CREATE TRIGGER dawdle AFTER INSERT OR UPDATE OR DELETE ON ledger.publications "
        "FOR EACH ROW EXECUTE FUNCTION parcels.dawdle()",
        "CREATE TRIGGER dawdle AFTER INSERT OR DELETE ON predictions.parcel_hours_runs "
        "FOR EACH STATEMENT EXECUTE FUNCTION parcels.dawdle()",
    )
    with watching(parcels) as seen:
        for _ in range(3):
            parcels.run(model_version=constant)
            parcels.runner.publisher.roll_back(str(DAY))
            parcels.run_by_tasks(model_version=constant)
            parcels.run_by_tasks(model_version=1)
    assert seen == {old, new}


def test_the_database_refuses_two_current_publications(parcels: Parcels) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="one_current_publication"):
        parcels.execute(
            "INSERT INTO ledger.publications (pipeline, partition_key, partition_date, run_id, reason, published_at) "
            "SELECT pipeline, partition_key, partition_date, run_id, reason, now() FROM ledger.publications"
        )


def test_rolling_back_shows_the_publication_before(parcels: Parcels) -> None:
    published = [parcels.shown()]
    for weight in (2, 3):
        parcels.execute(f"UPDATE parcels.handed_in SET distance_km = {weight} + parcel_id % 90")
        parcels.run()
        published.append(parcels.shown())
    publisher = parcels.runner.publisher
    assert [publisher.roll_back(str(DAY)).run_id, *parcels.current()] == [2, 2]
    assert hours(parcels.shown()) == hours(published[1])
    assert [publisher.roll_back(str(DAY)).run_id, *parcels.current()] == [1, 1]
    assert hours(parcels.shown()) == hours(published[0])
    before = parcels.shown(), parcels.publications()
    with pytest.raises(PublicationRefused, match="parcel_hours 2024-03-09: There is no earlier publication to go back"):
        publisher.roll_back(str(DAY))
    assert (parcels.shown(), parcels.publications()) == before
    with pytest.raises(PublicationRefused, match="parcel_hours 2024-03-10: There is no earlier publication to go back"):
        publisher.roll_back(str(SHORT_DAY))


def test_rolling_back_skips_what_was_rolled_back_before(parcels: Parcels) -> None:
    publisher = parcels.runner.publisher
    parcels.run()
    publisher.roll_back(str(DAY))
    parcels.run()
    # Run 2 was found bad; what was shown before run 3 is run 1.
    assert publisher.roll_back(str(DAY)).run_id == 1
    reasons = [reason for *_, reason, _, _ in parcels.publications()]
    assert reasons == ["run", "run", "rollback", "run", "rollback"]


def test_a_new_run_is_published_after_a_rollback(parcels: Parcels) -> None:
    parcels.run()
    parcels.runner.publisher.roll_back(str(DAY))
    assert parcels.run().publication.published
    assert parcels.current() == [3]


def hours(shown: Shown) -> list[tuple[object, ...]]:
    return [row[:4] for row in shown]


def test_as_of_shows_what_was_shown_at_the_instant(parcels: Parcels) -> None:
    def changed() -> None:
        parcels.execute("UPDATE parcels.handed_in SET distance_km = 1 + (distance_km + 17)::integer % 90")

    seen: list[tuple[datetime, Shown]] = []
    changes: list[Callable[[], object]] = [
        lambda: None,
        parcels.run,
        lambda: parcels.run(SHORT_DAY),
        parcels.run_by_tasks,
        lambda: parcels.runner.publisher.roll_back(str(DAY)),
        parcels.run,
    ]
    for change in changes:
        changed()
        change()
        seen.append((parcels.value("SELECT clock_timestamp()"), parcels.shown()))
    assert len({str(shown) for _, shown in seen}) == len(changes), "every change shows something else"
    as_of = "SELECT * FROM predictions.parcel_hours_as_of(%s) ORDER BY partition_date, depot, parcel_id"
    for instant, shown in seen:
        assert parcels.rows(as_of, instant) == shown
    following = "SELECT published_at, withdrawn_at FROM ledger.publications WHERE partition_date = %s ORDER BY 1"
    for (_, withdrawn), (published, _) in pairwise(parcels.rows(following, DAY)):
        assert withdrawn == published, "no instant without a publication"
    # At the very instant of a publication it is the new one that is shown, alone.
    last = parcels.publications()[-1][-2]
    assert parcels.rows(as_of, last) == seen[-1][1]
    assert parcels.rows(as_of, datetime(2024, 3, 9, tzinfo=UTC)) == []


def test_an_older_run_cannot_displace_a_newer_one(parcels: Parcels) -> None:
    older, newer = parcels.plan(), parcels.plan()
    assert parcels.runner.run(newer).publication.published
    shown = parcels.shown()
    outcome = parcels.runner.run(older)
    assert (outcome.publication.published, outcome.publication.run_id) == (False, newer.run_id)
    assert parcels.shown() == shown
    states = parcels.rows("SELECT run_id, state, rows_scored FROM ledger.runs ORDER BY run_id")
    assert states == [(1, "published", ROWS), (older.run_id, "superseded", ROWS), (newer.run_id, "published", ROWS)]


def test_an_older_run_stays_behind_a_newer_one_that_was_rolled_back(parcels: Parcels) -> None:
    older = parcels.plan()
    parcels.run()
    parcels.runner.publisher.roll_back(str(DAY))
    assert not parcels.runner.run(older).publication.published
    assert parcels.current() == [1]


def test_a_partition_that_somebody_holds_is_tried_again_later(parcels: Parcels) -> None:
    hasty = Parcels(Workspace(parcels.workspace.settings.model_copy(update={"lock_timeout_seconds": 0.2})))
    runner, plan, before = hasty.runner, hasty.plan(origin="parcel_hours/a"), parcels.shown()
    snapshot = runner.extract(plan)
    runner.validate(plan, snapshot)
    counts = runner.score(plan, snapshot)
    with parcels.workspace.warehouse.begin() as connection:
        lock(connection, "parcel_hours/2024-03-09")
        with pytest.raises(WarehouseUnavailable, match=r"^parcel_hours 2024-03-09: .*lock timeout.* Next: it is"):
            runner.publish(plan, counts)
        with pytest.raises(WarehouseUnavailable, match="lock timeout"):
            runner.publisher.roll_back(str(DAY))
    with parcels.workspace.warehouse.begin() as connection:
        lock(connection, f"run/{plan.run_id}")
        with pytest.raises(WarehouseUnavailable, match="lock timeout"):
            runner.score(plan, snapshot)
    assert parcels.shown() == before
    assert parcels.last_run()["state"] == "failed"
    assert runner.publish(plan, runner.score(plan, snapshot)).published
    assert parcels.last_run()["state"] == "published"
    hasty.workspace.close()


def test_publications_follow_each_other_also_where_the_clock_was_set_back(parcels: Parcels) -> None:
    ahead = "UPDATE ledger.publications SET {0} = {0} + interval '1 hour'"
    parcels.execute(ahead.format("published_at"))
    first = parcels.forecasts()
    second = parcels.run(DAY).plan.run_id
    assert parcels.current() == [second]
    assert parcels.runner.publisher.roll_back(str(DAY)).run_id == 1
    assert parcels.forecasts() == first
    times = "SELECT run_id, published_at, withdrawn_at FROM ledger.publications WHERE partition_date = '2024-03-09' "
    rows = parcels.rows(times + "ORDER BY publication_id")
    assert [row[0] for row in rows] == [1, second, 1]
    assert all(before[2] == after[1] for before, after in pairwise(rows))
    # As of any instant one publication was the current one.
    for run_id, published, _ in rows:
        seen = "SELECT DISTINCT run_id FROM predictions.parcel_hours_as_of(%s) WHERE partition_date = '2024-03-09'"
        assert parcels.rows(seen, (published,)) == [(run_id,)]
