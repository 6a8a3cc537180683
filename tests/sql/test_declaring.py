"""Declaring what was in force before the records: found as of then, and nothing that was recorded changes for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from cascades import Cascade
from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.models.aliases import Aliases
from daybreak.models.declaring import declare, declare_first
from daybreak.promotion.promoting import demote
from daybreak.run.planning import Request, plan_run
from local_days import local_day
from models import constant, fitted
from parcels import DAY, TRAINED_THROUGH, Parcels

# What was trained through a day was in force on the next one, at the earliest.
EARLIEST = TRAINED_THROUGH + timedelta(days=1)


def aliases(parcels: Parcels) -> Aliases:
    return parcels.workspace.aliases(parcels.pipeline.single_ref)


def declared(parcels: Parcels, version: int, since: date) -> bool:
    return declare(parcels.workspace.registry, aliases(parcels), parcels.pipeline, version, since)


def as_of(parcels: Parcels, day: date) -> int:
    plan = plan_run(parcels.workspace, parcels.pipeline, Request(str(day), trigger="backfill", policy="as_of"))
    return plan.single_model.version


def recorded(parcels: Parcels) -> list[Any]:
    return parcels.rows("SELECT * FROM ledger.alias_history WHERE outcome <> 'declared' ORDER BY since")


def in_force(parcels: Parcels) -> list[Any]:
    """Return what the declarations say: version, first instant, whether it ends with the first record."""
    return parcels.rows(
        "SELECT version, since, from_version, until = (SELECT min(since) FROM ledger.alias_history "
        "WHERE outcome = 'moved' AND model_name = 'parcel_hours' AND alias = 'champion') "
        "FROM ledger.alias_history WHERE outcome = 'declared' ORDER BY since"
    )


def start(parcels: Parcels, day: date) -> datetime:
    return local_day(day, parcels.pipeline.timezone).start


def test_the_past_is_scored_by_what_was_declared_and_today_by_what_is_recorded(parcels: Parcels) -> None:
    second = parcels.register(*fitted(parcels, constant(5.0))).version
    before, current = recorded(parcels), aliases(parcels).current()
    with pytest.raises(ModelRefused, match=r"had no champion at the end of the partition .* `daybreak history --help`"):
        as_of(parcels, DAY)
    assert declared(parcels, 1, EARLIEST)
    assert as_of(parcels, DAY) == 1
    assert parcels.last_run()["model_policy"] == "as_of_declared"
    assert parcels.plan(DAY).single_model.version == current == second
    assert (recorded(parcels), aliases(parcels).current()) == (before, current)
    parcels.run(DAY, policy="as_of")
    assert parcels.rows("SELECT DISTINCT model_version FROM predictions.parcel_hours") == [(1,)]
    # What is promoted and taken back today, last week does not feel.
    demote(parcels.workspace, parcels.pipeline.single_ref)
    parcels.promote(second)
    assert as_of(parcels, DAY) == 1


def test_it_counts_from_the_start_of_the_day_in_the_pipelines_own_time_zone(parcels: Parcels) -> None:
    declared(parcels, 1, DAY)
    first = start(parcels, DAY)
    assert parcels.pipeline.timezone != "UTC"
    assert aliases(parcels).at(first) == 1
    assert aliases(parcels).at(first - timedelta(microseconds=1)) is None
    # As of a partition is as of its end: the day before ends when this one begins.
    assert as_of(parcels, DAY - timedelta(days=1)) == 1
    with pytest.raises(ModelRefused, match="had no champion at the end"):
        as_of(parcels, DAY - timedelta(days=2))


def test_the_moment_of_writing_is_kept_apart_from_the_moment_that_it_counts_from(parcels: Parcels) -> None:
    began = datetime.now(UTC)
    declared(parcels, 1, EARLIEST)
    [row] = [row for row in aliases(parcels).history() if row["outcome"] == "declared"]
    assert row["since"] == start(parcels, EARLIEST)
    assert began <= row["recorded_at"] <= datetime.now(UTC)
    [moved] = [row for row in aliases(parcels).history() if row["outcome"] == "moved"]
    assert row["until"] == moved["since"] == moved["recorded_at"]


def test_several_versions_follow_one_another_in_whatever_order_they_are_declared(parcels: Parcels) -> None:
    second = parcels.register(*fitted(parcels, constant(5.0))).version
    days = [EARLIEST, DAY, DAY + timedelta(days=1)]
    for version, day in ((second, days[1]), (1, days[0]), (1, days[2])):
        assert declared(parcels, version, day)
    assert in_force(parcels) == [
        (1, start(parcels, days[0]), None, False),
        (second, start(parcels, days[1]), None, False),
        (1, start(parcels, days[2]), second, True),
    ]
    instants = [start(parcels, day) for day in (days[0], days[1], days[2], date(2025, 1, 1))]
    assert [aliases(parcels).at(instant) for instant in instants] == [1, second, 1, 1]


def test_what_was_recorded_is_never_declared_anew(parcels: Parcels) -> None:
    second = parcels.register(*fitted(parcels, constant(5.0))).version
    first = parcels.value("SELECT min(since) FROM ledger.alias_history")
    before = recorded(parcels)
    tomorrow = (first + timedelta(days=1)).date()
    for version in (1, second):
        with pytest.raises(ModelRefused, match=rf"since {first:%Y-%m-%d} .* is recorded, and .*Next: declare a day"):
            declared(parcels, version, tomorrow)
    assert (recorded(parcels), in_force(parcels)) == (before, [])
    # Nor a time without a champion between two that are recorded.
    parcels.execute(f"UPDATE ledger.alias_history SET since = '{DAY}', until = '{DAY}'::date + 1 WHERE version = 1")
    with pytest.raises(ModelRefused, match="what was recorded stays"):
        declared(parcels, 1, DAY + timedelta(days=3))


def test_a_version_was_not_in_force_before_the_end_of_what_it_has_seen(parcels: Parcels) -> None:
    with pytest.raises(
        ModelRefused, match=rf"has seen days through {TRAINED_THROUGH}; it was not .*Next: declare it since {EARLIEST}"
    ):
        declared(parcels, 1, TRAINED_THROUGH)
    assert in_force(parcels) == []
    assert declared(parcels, 1, EARLIEST)


def test_what_is_known_already_is_not_written_twice(parcels: Parcels) -> None:
    second = parcels.register(*fitted(parcels, constant(5.0))).version
    assert declared(parcels, 1, EARLIEST)
    before = in_force(parcels)
    assert not declared(parcels, 1, EARLIEST)
    assert not declared(parcels, 1, DAY)
    with pytest.raises(ModelRefused, match=r"version 1 was declared since that day already\. Next: choose another"):
        declared(parcels, second, EARLIEST)
    assert in_force(parcels) == before


def test_two_who_declare_at_once_write_it_once(parcels: Parcels) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: declared(parcels, 1, EARLIEST), range(2))) == [False, True]
    assert len(in_force(parcels)) == 1


def test_a_version_that_there_is_not_and_a_model_without_a_champion_are_refused(parcels: Parcels) -> None:
    with pytest.raises(ModelRefused, match="has no version 9"):
        declared(parcels, 9, EARLIEST)
    parcels.execute("DELETE FROM registered_model_aliases", "DELETE FROM ledger.alias_history")
    with pytest.raises(ModelRefused, match=r"no champion that is recorded, so nothing is before it\. Next: train or"):
        declared(parcels, 1, EARLIEST)


def test_the_demonstration_declares_its_first_champion_and_goes_without_where_a_record_is_older(
    parcels: Parcels,
) -> None:
    assert declare_first(parcels.workspace.registry, aliases(parcels), parcels.pipeline, 1, "of the past") == EARLIEST
    assert [row["reason"] for row in aliases(parcels).history()][-1] == "of the past"
    parcels.execute("DELETE FROM ledger.alias_history WHERE outcome = 'declared'")
    parcels.execute(f"UPDATE ledger.alias_history SET since = '{TRAINED_THROUGH}'")
    assert declare_first(parcels.workspace.registry, aliases(parcels), parcels.pipeline, 1, "of the past") is None


def test_what_was_declared_is_come_back_to(parcels: Parcels) -> None:
    second = parcels.register(*fitted(parcels, constant(5.0))).version
    parcels.execute(
        "DELETE FROM ledger.alias_history WHERE version = 1", "UPDATE ledger.alias_history SET from_version = NULL"
    )
    with pytest.raises(ModelRefused, match="had no champion before this one"):
        demote(parcels.workspace, parcels.pipeline.single_ref)
    declared(parcels, 1, EARLIEST)
    assert demote(parcels.workspace, parcels.pipeline.single_ref) == (second, 1)


@pytest.mark.parametrize(
    "row",
    [
        "'2024-03-08', NULL, 'x', 'declared', '2024-04-01'",
        "'2024-03-08', '2024-03-08', 'x', 'declared', '2024-04-01'",
        "'2024-03-08', '2024-05-01', 'x', 'declared', '2024-04-01'",
        "'2024-03-08', '2024-03-09', 'x', 'refused', '2024-04-01'",
    ],
)
def test_the_database_itself_refuses_a_declaration_of_what_is_not_over(parcels: Parcels, row: str) -> None:
    columns = "model_name, alias, version, since, until, reason, outcome, recorded_at"
    with pytest.raises(sa.exc.IntegrityError):
        parcels.execute(f"INSERT INTO ledger.alias_history ({columns}) VALUES ('x', 'champion', 1, {row})")


def test_where_each_segment_has_a_model_one_is_named(cascade: Cascade) -> None:
    carriers = cascade.carriers
    workspace, pipeline = carriers.workspace, carriers.pipeline
    through = carriers.workspace.registry.resolve(carriers.pipeline.model_refs[0]).trained_through
    with pytest.raises(ConfigurationError, match="has a model for each segment"):
        declare(workspace.registry, workspace.aliases(pipeline.ref()), pipeline, 1, through + timedelta(days=1))
    for ref in carriers.pipeline.model_refs[:-1]:
        assert declare(workspace.registry, workspace.aliases(ref), pipeline, 1, through + timedelta(days=1))
    with pytest.raises(ModelRefused, match=f"{carriers.pipeline.model_refs[-1].name} had no champion at the end"):
        carriers.plan(DAY, policy="as_of")
    assert declare_first(workspace.registry, workspace.aliases(pipeline.model_refs[-1]), pipeline, 1, "test")
    carriers.plan(DAY, policy="as_of")
    assert carriers.last_run()["model_policy"] == "as_of_declared"
