"""The queries of the customer recommendations, line by line: candidates, window edges, published segment, targets."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace
from parcels import NewDatabase
from retail.customer_recommendations import CUSTOMER_RECOMMENDATIONS
from retail.customer_recommendations.training import CATEGORIES, NUMBERS
from shop import Shop

DAY = date(2026, 6, 30)
KEY = list(CUSTOMER_RECOMMENDATIONS.entity_key)
SOUP, BEEF, EGGS, FUEL, COUPON, UNNAMED, MISSING = 1, 2, 3, 4, 5, 6, 7


def before(days: int) -> date:
    return DAY - timedelta(days=days)


@pytest.fixture
def shop(new_database: NewDatabase, tmp_path: Path) -> Iterator[Shop]:
    workspace = Workspace(Settings(home=tmp_path, project=PROJECT, pipelines="retail", warehouse_url=new_database()))
    shop = Shop(workspace)
    for product, category in (
        (SOUP, "SOUP"),
        (BEEF, "BEEF"),
        (EGGS, "EGGS"),
        (FUEL, "FUEL"),
        (COUPON, "COUPON/MISC ITEMS"),
        (UNNAMED, None),
    ):
        shop.stock(product, category)
    yield shop
    workspace.close()


def extracted(shop: Shop, day: date = DAY, upstream_run_id: int = 0) -> pd.DataFrame:
    return shop.read(CUSTOMER_RECOMMENDATIONS, "extract", day, upstream_run_id=upstream_run_id).set_index(KEY)


def test_candidates_are_a_households_own_categories_and_the_favourites_of_all(shop: Shop) -> None:
    shop.sell(1, f"{DAY} 12:00", SOUP)
    shop.sell(2, f"{before(89)} 00:00:00", BEEF)
    rows = extracted(shop)
    assert rows.index.tolist() == [(1, "BEEF"), (1, "SOUP"), (2, "BEEF"), (2, "SOUP")]
    assert rows["bought_days_90d"].tolist() == [0, 1, 1, 0]


def test_of_90_favourites_the_name_decides_between_equals(shop: Shop) -> None:
    for number in range(95):
        shop.stock(100 + number, f"C{number:02}")
        shop.sell(1, f"{DAY} 12:00", 100 + number)
    shop.sell(2, f"{DAY} 12:00", 100 + 94)
    rows = extracted(shop)
    assert len(rows.loc[1]) == 95
    assert rows.loc[2].index.tolist() == [*(f"C{number:02}" for number in range(89)), "C94"]


def test_fuel_coupons_and_what_has_no_category_are_visits_and_no_candidates(shop: Shop) -> None:
    for days, product in enumerate((FUEL, COUPON, UNNAMED, MISSING)):
        shop.sell(1, f"{before(days)} 12:00", product)
    shop.sell(1, f"{before(10)} 12:00", SOUP)
    [row] = extracted(shop).reset_index().itertuples()
    assert (row.product_category, row.visit_days_90d, row.days_since_visit) == ("SOUP", 5, 0)


def test_windows_are_local_days_to_the_instant(shop: Shop) -> None:
    for at in (
        f"{DAY} 23:59:59.999999",
        f"{before(6)} 00:00:00",
        f"{before(7)} 23:59:59.999999",
        f"{before(27)} 00:00:00",
        f"{before(28)} 23:59:59.999999",
        f"{before(89)} 00:00:00",
        f"{before(90)} 23:59:59.999999",
        f"{before(-1)} 00:00:00",
    ):
        shop.sell(1, at, SOUP)
    [row] = extracted(shop).itertuples()
    assert (row.bought_days_7d, row.bought_days_28d, row.bought_days_90d) == (2, 4, 6)
    assert (row.visit_days_28d, row.visit_days_90d, row.days_since_visit) == (4, 6, 0)
    assert row.days_between == 89 / 5


def test_a_category_bought_twice_on_a_day_is_bought_once(shop: Shop) -> None:
    for hour in (9, 17):
        shop.sell(1, f"{before(3)} {hour:02}:00", SOUP)
    [row] = extracted(shop).itertuples()
    assert (row.bought_days_90d, row.days_since_bought) == (1, 3)
    assert pd.isna(row.days_between)
    assert pd.isna(row.intervals_since_bought)


def test_how_much_a_category_is_due_is_told_in_its_own_intervals(shop: Shop) -> None:
    for days in (5, 9, 15):
        shop.sell(1, f"{before(days)} 12:00", SOUP)
    [row] = extracted(shop).itertuples()
    assert (row.days_between, row.intervals_since_bought) == (5, 1)


def test_shares_are_of_the_households_that_bought_anything_in_90_days(shop: Shop) -> None:
    shop.sell(1, f"{DAY} 12:00", SOUP)
    shop.sell(2, f"{before(20)} 12:00", SOUP)
    shop.sell(3, f"{before(60)} 12:00", FUEL)
    shop.sell(4, f"{before(90)} 12:00", SOUP)
    rows = extracted(shop)
    assert rows.index.get_level_values("household_id").unique().tolist() == [1, 2, 3]
    assert rows["household_share_7d"].tolist() == [1 / 3] * 3
    assert rows["household_share_28d"].tolist() == [2 / 3] * 3


def test_the_segment_is_that_of_the_run_that_was_asked_for(shop: Shop) -> None:
    for household in (1, 2):
        shop.sell(household, f"{DAY} 12:00", SOUP)
    shop.execute(
        "INSERT INTO predictions.customer_segments_runs VALUES (7, 1, 'loyal'), (8, 1, 'lapsing'), (8, 2, 'regular')"
    )
    for run, expected in ((7, ["loyal", None]), (8, ["lapsing", "regular"]), (9, [None, None])):
        found = extracted(shop, upstream_run_id=run)["segment"]
        assert [value if isinstance(value, str) else None for value in found] == expected


def test_a_later_sale_changes_no_feature(shop: Shop) -> None:
    shop.sell(1, f"{DAY} 12:00", SOUP)
    served = extracted(shop)
    for household in (1, 2):
        for product in (SOUP, BEEF):
            shop.sell(household, f"{before(-1)} 00:00:00", product)
    pd.testing.assert_frame_equal(extracted(shop), served, check_exact=True)
    trained = shop.read(CUSTOMER_RECOMMENDATIONS, "training", DAY).set_index(KEY)
    features = [name for name in served.columns if name != "segment"]
    pd.testing.assert_frame_equal(trained[features], served[features], check_exact=True)
    assert set(features) == {"day", *NUMBERS}
    assert set(CATEGORIES) < set(KEY)


def test_the_target_is_what_is_bought_in_the_seven_days_after_the_partition(shop: Shop) -> None:
    for product in (SOUP, BEEF, EGGS):
        shop.sell(1, f"{DAY} 12:00", product)
    shop.stock(8, "NEW")
    shop.sell(1, f"{DAY} 23:59:59.999999", SOUP)
    shop.sell(1, f"{before(-1)} 00:00:00", BEEF)
    shop.sell(1, f"{before(-7)} 23:59:59.999999", EGGS)
    shop.sell(1, f"{before(-8)} 00:00:00", SOUP)
    for product in (8, FUEL, COUPON, UNNAMED, MISSING):
        shop.sell(1, f"{before(-3)} 12:00", product)
    rows = shop.read(CUSTOMER_RECOMMENDATIONS, "training", DAY)
    assert rows.set_index("product_category")["bought_next_7d"].to_dict() == {
        "BEEF": True,
        "EGGS": True,
        "SOUP": False,
    }
    assert rows["categories_next_7d"].tolist() == [3, 3, 3], "what is no candidate was bought all the same"


def test_training_has_every_seventh_day_and_each_ones_own_target(shop: Shop) -> None:
    shop.sell(1, f"{before(7)} 12:00", SOUP)
    shop.sell(1, f"{before(-7)} 12:00", SOUP)
    rows = shop.read(CUSTOMER_RECOMMENDATIONS, "training", before(7), before(-6))
    assert rows[["day", "bought_next_7d", "categories_next_7d"]].to_numpy().tolist() == [
        [before(7), False, 0],
        [DAY, True, 1],
    ]


def actuals(shop: Shop, day: date = DAY) -> list[tuple[int, str, int]]:
    rows = shop.read(CUSTOMER_RECOMMENDATIONS, "actuals", day)
    return sorted(rows[["household_id", "product_category", "actual"]].itertuples(index=False, name=None))


def test_actuals_are_what_was_bought_in_the_seven_days_after_the_partition(shop: Shop) -> None:
    shop.sell(1, f"{DAY} 23:59:59.999999", SOUP)
    shop.sell(1, f"{before(-1)} 00:00:00", BEEF)
    shop.sell(1, f"{before(-2)} 12:00", BEEF)
    shop.sell(2, f"{before(-7)} 23:59:59.999999", EGGS)
    shop.sell(3, f"{before(-8)} 00:00:00", SOUP)
    for product in (FUEL, COUPON, UNNAMED, MISSING):
        shop.sell(2, f"{before(-3)} 12:00", product)
    assert actuals(shop) == [(1, "BEEF", 1), (2, "EGGS", 1)]


def test_actuals_agree_with_the_target_of_training(shop: Shop) -> None:
    for household, product in ((1, SOUP), (2, BEEF), (3, EGGS)):
        shop.sell(household, f"{DAY} 12:00", product)
        shop.sell(household, f"{before(-household)} 12:00", SOUP)
    shop.sell(4, f"{before(-7)} 12:00", BEEF)
    rows = shop.read(CUSTOMER_RECOMMENDATIONS, "training", DAY)
    bought = rows.loc[rows["bought_next_7d"], ["household_id", "product_category"]]
    known = {(household, category) for household, category, _ in actuals(shop)}
    assert set(bought.itertuples(index=False, name=None)) == known - {(4, "BEEF")}, "household 4 had no list"


def test_there_are_no_actuals_before_sales_of_the_seventh_day_have_landed(shop: Shop) -> None:
    shop.sell(1, f"{before(-1)} 12:00", SOUP)
    shop.sell(1, f"{before(-6)} 23:59:59.999999", SOUP)
    assert actuals(shop) == []
    shop.sell(2, f"{before(-7)} 00:00:00", FUEL)
    assert actuals(shop) == [(1, "SOUP", 1)]


def test_there_are_no_actuals_before_the_seven_days_are_over(shop: Shop) -> None:
    today = datetime.now(ZoneInfo(CUSTOMER_RECOMMENDATIONS.timezone)).date()
    for days in range(10):
        shop.sell(1, f"{today - timedelta(days=days)} 00:00:00", SOUP)
    assert actuals(shop, today - timedelta(days=7)) == []
    assert actuals(shop, today - timedelta(days=8)) == [(1, "SOUP", 1)]
