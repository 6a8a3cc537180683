"""The features of the demand forecast on real sales: one definition, nothing from the future, local days."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from daybreak.local.demonstration_data import TIMEZONE
from local_days import days, local_day
from real_sales import RealSales
from retail.demand_forecast import DEMAND_FORECAST
from retail.demand_forecast.training import CATEGORIES, NUMBERS, TARGET

Ask = Callable[..., list[tuple[Any, ...]]]
Read = Callable[..., pa.Table]
KEY = list(DEMAND_FORECAST.entity_key)
FUEL = "GASOLINE-REG UNLEADED"


@pytest.fixture(scope="module")
def day(sales: RealSales) -> date:
    return sales.last_day - timedelta(days=40)


@pytest.fixture(scope="module")
def features(read: Read, day: date) -> pd.DataFrame:
    frame: pd.DataFrame = read("extract", day).to_pandas()
    return frame


@pytest.fixture(scope="module")
def sold(ask: Ask, day: date) -> pd.DataFrame:
    """Read the sales of the 28 days before the partition's end, and the next day's, straight from the tables."""
    start, end = local_day(day - timedelta(days=27), TIMEZONE).start, local_day(day + timedelta(days=1), TIMEZONE).end
    columns = ["store_id", "quantity", "sales_value", "discount", "product_category", "product_type", "at"]
    rows = ask(
        "SELECT store_id, quantity, sales_value, retail_disc + coupon_disc + coupon_match_disc, product_category, "
        "product_type, transaction_timestamp FROM retail.transactions LEFT JOIN retail.products USING (product_id) "
        "WHERE transaction_timestamp >= CAST(:start AS timestamptz) AT TIME ZONE 'UTC' "
        "AND transaction_timestamp < CAST(:end AS timestamptz) AT TIME ZONE 'UTC'",
        start=start,
        end=end,
    )
    frame = pd.DataFrame(rows, columns=columns)
    frame["day"] = pd.to_datetime(frame["at"]).dt.tz_localize("UTC").dt.tz_convert(TIMEZONE).dt.date
    frame["product_category"] = frame["product_category"].fillna("(none)")
    return frame[frame["product_type"] != FUEL]


def test_there_is_one_row_for_each_store_and_category_with_a_sale_in_28_days(
    features: pd.DataFrame, sold: pd.DataFrame, day: date
) -> None:
    assert not features.duplicated(KEY).any()
    expected = sold[sold["day"] <= day][KEY].drop_duplicates()
    assert set(map(tuple, features[KEY].to_numpy())) == set(map(tuple, expected.to_numpy()))
    assert 15_000 < len(features) < 22_000


def test_rows_come_in_the_order_of_their_entity_key(read: Read, day: date) -> None:
    table = read("extract", day)
    assert table.equals(read("extract", day)), "the same sales give the same rows in the same order"
    stores = table["store_id"].to_pylist()
    assert stores == sorted(stores)


def test_the_features_are_what_their_names_say(features: pd.DataFrame, sold: pd.DataFrame, day: date) -> None:
    """Recompute every feature from the single sales, in pandas."""
    past = sold[sold["day"] <= day]
    daily = past.groupby([*KEY, "day"])[["quantity", "sales_value", "discount"]].sum().reset_index()
    daily["back"] = [(day - d).days for d in daily["day"]]  # whole days before the partition's own
    by_key = daily.groupby(KEY)
    expected = pd.DataFrame({"days_since_last_sale": by_key["back"].min()})
    for back in (1, 7, 14, 28):
        on = daily[daily["back"] == back - 1].set_index(KEY)["quantity"]
        expected[f"units_{back}d_back"] = on.reindex(expected.index).fillna(0).astype(float)
    for window in (7, 14, 28):
        within = daily[daily["back"] < window].groupby(KEY)
        expected[f"mean_units_{window}d"] = within["quantity"].sum().reindex(expected.index).fillna(0) / window
        expected[f"sale_days_{window}d"] = within.size().reindex(expected.index).fillna(0).astype(int)
    sums = by_key[["quantity", "sales_value", "discount"]].sum()
    full = sums["sales_value"] + sums["discount"]
    expected["discount_share_28d"] = (sums["discount"] / full.where(full != 0)).fillna(0)
    expected["average_price_28d"] = sums["sales_value"] / sums["quantity"].where(sums["quantity"] != 0)
    expected["weekday"] = (day + timedelta(days=1)).isoweekday()
    found = features.set_index(KEY)
    assert sorted(expected.columns) == sorted(NUMBERS)
    pd.testing.assert_frame_equal(
        found[NUMBERS].sort_index(),
        expected[NUMBERS].sort_index(),
        check_dtype=False,
        check_index_type=False,
        rtol=1e-9,
    )


def test_training_and_serving_features_are_equal_cell_by_cell(read: Read, day: date) -> None:
    first, last = day, day + timedelta(days=6)
    training = read("training", first, last).to_pandas()
    assert sorted(training["day"].unique()) == days(first, last)
    columns = [*CATEGORIES, *NUMBERS]
    for served in days(first, last):
        serving = read("extract", served).to_pandas()
        assert (serving["day"] == served).all()
        serving = serving[serving["product_category"] != "(none)"].sort_values(KEY)[columns]
        trained = training[training["day"] == served].sort_values(KEY)[columns]
        assert trained.dtypes.equals(serving.dtypes)
        pd.testing.assert_frame_equal(trained.reset_index(drop=True), serving.reset_index(drop=True), check_exact=True)


def test_the_target_is_the_units_of_the_next_day(read: Read, sold: pd.DataFrame, day: date) -> None:
    training = read("training", day).to_pandas().set_index(KEY)
    tomorrow = sold[sold["day"] == day + timedelta(days=1)].groupby(KEY)["quantity"].sum()
    expected = tomorrow.reindex(training.index).fillna(0).astype(float)
    assert (training[TARGET] == expected).all()
    assert expected.sum() > 1_000


def test_the_target_is_tomorrows_first_feature(read: Read, day: date) -> None:
    today = read("training", day).to_pandas().set_index(KEY)
    after = read("extract", day + timedelta(days=1)).to_pandas().set_index(KEY)["units_1d_back"]
    assert (today[TARGET] == after.reindex(today.index).fillna(0)).all()


def test_fuel_is_left_out(features: pd.DataFrame, ask: Ask, day: date) -> None:
    partition = local_day(day, TIMEZONE)
    [(units, fuel)] = ask(
        "SELECT sum(quantity) FILTER (WHERE product_type IS DISTINCT FROM :fuel), "
        "sum(quantity) FILTER (WHERE product_type = :fuel) "
        "FROM retail.transactions LEFT JOIN retail.products USING (product_id) "
        "WHERE transaction_timestamp >= CAST(:start AS timestamptz) AT TIME ZONE 'UTC' "
        "AND transaction_timestamp < CAST(:end AS timestamptz) AT TIME ZONE 'UTC'",
        fuel=FUEL,
        start=partition.start,
        end=partition.end,
    )
    assert fuel > 10 * units, "a day's fuel would drown everything else"
    assert features["units_1d_back"].sum() == units


def test_sales_of_quantity_0_count_as_sale_days_without_units(features: pd.DataFrame, sold: pd.DataFrame) -> None:
    empty = features[(features["mean_units_28d"] == 0)]
    assert len(empty) > 0
    assert (empty["sale_days_28d"] > 0).all()
    assert empty["average_price_28d"].isna().all()
    assert features[features["mean_units_28d"] > 0]["average_price_28d"].notna().all()
    assert (sold["quantity"] == 0).any()


def test_products_without_a_category_are_one_category_of_their_own_and_not_trained_on(
    read: Read, features: pd.DataFrame, day: date
) -> None:
    assert (features["product_category"] == "(none)").any()
    assert features["product_category"].notna().all()
    assert "(none)" not in pc.unique(read("training", day)["product_category"]).to_pylist()


@pytest.mark.parametrize("hours", [23, 25])
def test_a_day_on_which_the_clocks_change_holds_its_own_sales(
    read: Read, ask: Ask, sales: RealSales, hours: int
) -> None:
    [changed] = [
        day
        for day in days(sales.last_day - timedelta(days=330), sales.last_day)
        if (p := local_day(day, TIMEZONE)).end - p.start == timedelta(hours=hours)
    ]
    [(units,)] = ask(
        "SELECT sum(quantity) FROM retail.transactions LEFT JOIN retail.products USING (product_id) "
        "WHERE (transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::date = :day "
        "AND product_type IS DISTINCT FROM :fuel",
        day=changed,
        fuel=FUEL,
    )
    assert pc.sum(read("extract", changed)["units_1d_back"]).as_py() == units


@pytest.fixture
def later_sales(ask: Ask, day: date) -> Iterator[None]:
    """Sell a lot in the first instant after the partition, in stores and categories that are known and unknown."""
    end = local_day(day, TIMEZONE).end.replace(tzinfo=None)
    ask(
        "INSERT INTO retail.transactions SELECT 1, store_id, -1, product_id, 1000, 10000, 500, 0, 0, 1, "
        "CAST(:end AS timestamp) + seconds * interval '1 second' "
        "FROM (SELECT DISTINCT store_id FROM retail.transactions UNION SELECT 999999) AS stores "
        "CROSS JOIN (SELECT product_id FROM retail.products ORDER BY product_id LIMIT 50) AS products "
        "CROSS JOIN (VALUES (0), (86399), (86400 * 10)) AS later (seconds)",
        end=end,
    )
    yield
    ask("DELETE FROM retail.transactions WHERE basket_id = -1")


def test_no_feature_changes_when_later_sales_arrive(read: Read, day: date, request: pytest.FixtureRequest) -> None:
    served, trained = read("extract", day), read("training", day - timedelta(days=2), day)
    request.getfixturevalue("later_sales")
    assert read("extract", day).equals(served)
    again = read("training", day - timedelta(days=2), day)
    assert again.drop_columns([TARGET]).equals(trained.drop_columns([TARGET]))
    assert not again[TARGET].equals(trained[TARGET]), "only the target of the last day knows of them"
    assert read("extract", day + timedelta(days=1)).num_rows > served.num_rows + 1_000
