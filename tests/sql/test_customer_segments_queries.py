"""The queries of the customer segments, line by line: window edges, baskets, cents, households that stay away."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace
from parcels import NewDatabase
from retail.customer_segments import CUSTOMER_SEGMENTS
from retail.customer_segments.training import FEATURES
from shop import Shop

DAY = date(2026, 6, 30)
FIRST_OF_WINDOW = DAY - timedelta(days=89)


@pytest.fixture
def shop(new_database: NewDatabase, tmp_path: Path) -> Iterator[Shop]:
    workspace = Workspace(Settings(home=tmp_path, project=PROJECT, pipelines="retail", warehouse_url=new_database()))
    yield Shop(workspace)
    workspace.close()


def extracted(shop: Shop, day: date = DAY) -> pd.DataFrame:
    return shop.read(CUSTOMER_SEGMENTS, "extract", day).set_index("household_id")


def test_the_window_is_90_local_days_to_the_instant(shop: Shop) -> None:
    shop.sell(1, f"{FIRST_OF_WINDOW} 00:00:00")
    shop.sell(1, f"{DAY} 23:59:59.999999")
    shop.sell(1, f"{FIRST_OF_WINDOW - timedelta(days=1)} 23:59:59.999999", value=100)
    shop.sell(1, f"{DAY + timedelta(days=1)} 00:00:00", value=100)
    [(baskets, spend, days)] = extracted(shop)[["baskets_90d", "spend_90d", "days_since_last_purchase"]].to_numpy()
    assert (baskets, spend, days) == (2, 2, 0)


def test_a_household_that_bought_nothing_in_90_days_comes_out_with_nothing(shop: Shop) -> None:
    shop.sell(1, f"{FIRST_OF_WINDOW - timedelta(days=1)} 12:00")
    shop.sell(2, f"{FIRST_OF_WINDOW} 12:00")
    rows = extracted(shop)
    assert rows["baskets_90d"].to_dict() == {1: 0, 2: 1}
    assert rows["days_since_last_purchase"].dropna().to_dict() == {2: 89}
    assert rows.loc[1, ["spend_90d", "discount_share_90d", "departments_90d"]].tolist() == [0, 0, 0]


def test_a_household_whose_first_purchase_is_later_is_not_there_yet(shop: Shop) -> None:
    shop.sell(1, f"{DAY} 12:00")
    shop.sell(2, f"{DAY + timedelta(days=1)} 00:00:00")
    assert extracted(shop).index.tolist() == [1]
    assert extracted(shop, DAY + timedelta(days=1)).index.tolist() == [1, 2]


def test_money_is_added_up_in_cents_and_every_discount_counts(shop: Shop) -> None:
    basket = shop.sell(1, f"{DAY} 12:00", value=0.29, retail=0.1)
    shop.sell(1, f"{DAY} 12:00", value=0.57, coupon=0.2, basket=basket)
    shop.sell(1, f"{DAY} 12:00", value=0.14, matched=0.2, basket=basket)
    [row] = extracted(shop).itertuples()
    assert row.spend_90d == 1.0
    assert row.discount_share_90d == 50 / 150


def test_a_household_that_paid_nothing_has_no_discount_share_to_divide_by(shop: Shop) -> None:
    shop.sell(1, f"{DAY} 12:00", value=0)
    assert extracted(shop)["discount_share_90d"].tolist() == [0]


def test_baskets_are_counted_once_and_their_size_is_in_lines(shop: Shop) -> None:
    basket = shop.sell(1, f"{DAY} 12:00")
    for _ in range(2):
        shop.sell(1, f"{DAY} 12:00", basket=basket)
    shop.sell(1, f"{DAY} 13:00")
    [row] = extracted(shop).itertuples()
    assert (row.baskets_90d, row.lines_per_basket_90d) == (2, 2.0)


def test_products_missing_from_the_catalogue_are_one_department(shop: Shop) -> None:
    shop.stock(1, "SOUP", "GROCERY")
    shop.stock(2, "BEEF", "MEAT")
    for product in (1, 2, 3, 4):
        shop.sell(1, f"{DAY} 12:00", product)
    assert extracted(shop)["departments_90d"].tolist() == [3]


def test_rows_come_in_the_order_of_the_household(shop: Shop) -> None:
    for household in (9, 2, 11, 1):
        shop.sell(household, f"{DAY} 12:00")
    assert extracted(shop).index.tolist() == [1, 2, 9, 11]


def test_training_has_every_seventh_day_without_those_that_stay_away_and_the_same_features(shop: Shop) -> None:
    first = DAY - timedelta(days=8)
    shop.sell(1, f"{DAY - timedelta(days=3)} 09:00", value=3)
    shop.sell(2, f"{first} 09:00", value=5, retail=1)
    shop.sell(3, f"{first - timedelta(days=90)} 09:00")
    rows = shop.read(CUSTOMER_SEGMENTS, "training", first, DAY)
    assert list(zip(rows["day"], rows["household_id"], strict=True)) == [
        (first, 2),
        (first + timedelta(days=7), 1),
        (first + timedelta(days=7), 2),
    ]
    served = extracted(shop, first + timedelta(days=7)).loc[[1, 2], FEATURES].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows[rows["day"] > first][FEATURES].reset_index(drop=True), served, check_exact=True)


def test_a_later_sale_changes_no_feature(shop: Shop) -> None:
    shop.sell(1, f"{DAY} 12:00")
    before = extracted(shop)
    for household in (1, 2):
        shop.sell(household, f"{DAY + timedelta(days=1)} 00:00:00", value=1_000)
    pd.testing.assert_frame_equal(extracted(shop), before, check_exact=True)
