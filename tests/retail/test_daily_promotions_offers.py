"""Which products are offered: the most probable ones, however the batch is cut, with an action by a declared rule."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.batch.chunk import Chunk, Scored
from daybreak.batch.signature import Signature
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion
from daybreak.push.keys import offer_id
from daybreak.run.plan import Plan
from local_days import local_day
from retail.daily_promotions.offers import RULES, Offers, shares

MODEL = ModelVersion("daily_promotions", 1, "", "", date(2026, 1, 1), {}, Signature(()), {})
PLAN = Plan(1, "daily_promotions", local_day(date(2026, 11, 20), "America/New_York"), SegmentModels.of(MODEL))


def product(number: int, probability: float, department: str = "GROCERY", **features: float) -> dict[str, Any]:
    return {
        "product_id": number,
        "department": department,
        "discount_share_28d": 0.0,
        "mean_stores_28d": 1.0,
        "probability": probability,
        **features,
    }


def decided(products: list[dict[str, Any]], top: int, chunk_rows: int = 1000, **how: Any) -> list[dict[str, Any]]:
    offers = Offers(PLAN, top, **how)
    for start in range(0, len(products), chunk_rows):
        part = products[start : start + chunk_rows]
        rows = pa.RecordBatch.from_pylist([{k: v for k, v in each.items() if k != "probability"} for each in part])
        offers.add(Scored(Chunk(rows, np.arange(start, start + len(part))), np.array([p["probability"] for p in part])))
    return list(offers.items())


def test_the_most_probable_are_offered_and_the_product_decides_between_equals() -> None:
    found = decided([product(4, 0.5), product(1, 0.25), product(3, 0.5), product(2, 0.75)], top=3)
    assert [(each["product_id"], each["probability"], each["rank"]) for each in found] == [
        (2, 0.75, 1),
        (3, 0.5, 2),
        (4, 0.5, 3),
    ]
    assert [each["offer_id"] for each in found] == [
        str(offer_id("daily_promotions", "2026-11-20", [number])) for number in (2, 3, 4)
    ]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ABC")), min_size=1, max_size=40),
    st.integers(1, 12),
    st.integers(1, 7),
    st.booleans(),
)
def test_how_the_batch_is_cut_changes_nothing(
    drawn: list[tuple[int, str]], top: int, chunk_rows: int, by_department: bool
) -> None:
    products = [product(n, score / 10, department) for n, (score, department) in enumerate(drawn)]
    whole = decided(products, top, by_department=by_department)
    assert decided(products, top, chunk_rows, by_department=by_department) == whole
    assert len(whole) == min(top, len(products))
    assert [each["rank"] for each in whole] == list(range(1, len(whole) + 1))


def test_departments_share_the_offers_by_their_number_of_products() -> None:
    products = [product(n, 0.9, "GROCERY") for n in range(60)] + [product(100 + n, 0.1, "DRUG") for n in range(30)]
    products += [product(200 + n, 0.2, "FLORAL") for n in range(10)]
    found = decided(products, top=10, by_department=True)
    assert [each["product_id"] // 100 for each in found] == [0] * 6 + [2] + [1] * 3
    assert {each["product_id"] // 100 for each in decided(products, top=10)} == {0}


@given(st.dictionaries(st.text("ABCDEF", min_size=1, max_size=2), st.integers(1, 500), min_size=1), st.integers(1, 300))
def test_all_offers_are_shared_out_and_none_gets_more_than_a_remainder_above_its_part(
    products: dict[str, int], top: int
) -> None:
    quota, total = shares(products, top), sum(products.values())
    assert sum(quota.values()) == min(top, total) or top > total
    for department, count in products.items():
        assert quota[department] - 1 <= top * count / total < quota[department] + 1


@pytest.mark.parametrize(
    ("features", "action"),
    [
        ({"discount_share_28d": 0.2, "mean_stores_28d": 9.0}, "price_reduction"),
        ({"discount_share_28d": 0.19, "mean_stores_28d": 2.0}, "display"),
        ({"discount_share_28d": 0.19, "mean_stores_28d": 1.9}, "mailer"),
    ],
)
def test_the_action_is_that_of_the_first_rule_that_holds(features: dict[str, float], action: str) -> None:
    [offer] = decided([product(1, 0.5, **features)], top=5)
    assert offer["action"] == action
    assert [name for name, _, _ in RULES] == ["price_reduction", "display", "mailer"]


def test_of_no_product_there_is_no_offer() -> None:
    assert list(Offers(PLAN, 5).items()) == []
