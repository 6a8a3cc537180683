"""Backfill policy: the past is scored by today's champion, by that of the time, or by a named version."""

from datetime import date, timedelta
from typing import Any

import pytest

from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.run.planning import Request, plan_run
from local_days import local_day
from models import constant, fitted
from parcels import DAY, Parcels

LATER = DAY + timedelta(days=2)


@pytest.fixture
def history(parcels: Parcels) -> Parcels:
    """Version 1 was champion from before DAY's end, version 2 from before LATER's end; version 3 is today's."""
    for _ in range(2):
        parcels.register(*fitted(parcels, constant(5.0)))
    for version, until in ((1, DAY), (2, LATER)):
        end = local_day(until, parcels.pipeline.timezone).end - timedelta(hours=1)
        parcels.execute(f"UPDATE ledger.alias_history SET since = '{end}' WHERE version = {version}")
        parcels.execute(f"UPDATE ledger.alias_history SET until = '{end}' WHERE version = {version - 1}")
    parcels.execute(
        "UPDATE ledger.alias_history SET until = later.since FROM ledger.alias_history AS later "
        "WHERE alias_history.version = 2 AND later.version = 3"
    )
    return parcels


def planned(parcels: Parcels, day: date, **request: Any) -> int:
    plan = plan_run(parcels.workspace, parcels.pipeline, Request(str(day), **request))
    return plan.single_model.version


def test_a_backfill_follows_the_pipelines_policy_and_a_run_does_not(history: Parcels) -> None:
    as_of = history.declared(backfill="as_of")
    assert planned(as_of, DAY, trigger="backfill") == 1
    assert planned(as_of, LATER, trigger="backfill") == 2
    assert planned(as_of, DAY) == 3
    assert planned(history, DAY, trigger="backfill") == 3
    assert planned(history.declared(backfill=2), DAY, trigger="backfill") == 2


def test_what_a_run_asks_for_overrides_the_policy(history: Parcels) -> None:
    as_of = history.declared(backfill="as_of")
    assert planned(as_of, DAY, trigger="backfill", policy="current") == 3
    assert planned(as_of, DAY, trigger="backfill", policy="2") == 2
    assert planned(as_of, DAY, trigger="backfill", model_version=2) == 2
    assert planned(history, LATER, trigger="backfill", policy="as_of") == 2


def test_a_day_before_the_first_champion_is_refused(history: Parcels) -> None:
    before = DAY - timedelta(days=1)
    with pytest.raises(
        ModelRefused, match=r"parcel_hours had no champion at the end of the partition .* Next: choose `--policy"
    ):
        planned(history, before, trigger="backfill", policy="as_of")
    assert history.last_run()["state"] == "failed"


def test_a_refused_promotion_and_a_removed_alias_are_no_champion(history: Parcels) -> None:
    since = local_day(DAY, history.pipeline.timezone).end - timedelta(minutes=30)
    history.execute(
        "INSERT INTO ledger.alias_history VALUES "
        f"('parcel_hours', 'champion', 9, '{since}', '{since}', 'no better', 'refused', 1, '[]', 'test')"
    )
    assert planned(history, DAY, policy="as_of") == 1


def test_the_version_of_its_time_is_still_refused_if_it_has_seen_later_days(history: Parcels) -> None:
    history.execute(
        "UPDATE model_version_tags SET value = '2024-03-11' WHERE key = 'trained_through' AND version = 1",
        "UPDATE ledger.trusted_versions SET trained_through = '2024-03-11' WHERE version = 1",
    )
    with pytest.raises(ModelRefused, match="has seen days through 2024-03-11"):
        planned(history, DAY, policy="as_of")
    history.run(DAY, policy="as_of", allow_leakage=True)
    assert history.last_run()["leakage_allowed"]
    shown = history.rows("SELECT DISTINCT model_version, leakage_allowed FROM predictions.parcel_hours")
    assert shown == [(1, True)]


def test_a_plan_that_is_tried_again_keeps_its_version(history: Parcels) -> None:
    first = planned(history, DAY, policy="as_of", origin="parcel_hours/a")
    history.execute("UPDATE ledger.alias_history SET version = 2 WHERE version = 1")
    assert planned(history, DAY, policy="as_of", origin="parcel_hours/a") == first == 1


@pytest.mark.parametrize("policy", ["yesterday", "0", "-1", "1.5", "٣"])
def test_no_policy_is_refused(history: Parcels, policy: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is no backfill policy\. Next: choose current, as_of or"):
        planned(history, DAY, policy=policy)


def test_a_declared_policy_that_is_none_is_refused(parcels: Parcels) -> None:
    with pytest.raises(ConfigurationError, match="declares a backfill policy 'sometimes'"):
        parcels.declared(backfill="sometimes")


def test_a_run_keeps_what_chose_its_version(history: Parcels) -> None:
    asked = {"current": {}, "as_of": {"policy": "as_of"}, "pinned": {"policy": "2"}}
    for kept, request in asked.items():
        planned(history, LATER, **request)
        assert history.last_run()["model_policy"] == kept
    planned(history, LATER, model_version=2)
    assert history.last_run()["model_policy"] == "pinned"
    planned(history, LATER, same_as=history.last_run()["run_id"])
    assert history.last_run()["model_policy"] == "same_as"
