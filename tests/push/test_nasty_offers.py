"""Whatever numbers a day's products have, a push ends with the best of them at the receiver, each once."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import nasty

from .shelves import DAY, TOP, Shelves

# Of each example every product is an input of its own.
EXAMPLES, PRODUCTS = 12, 30
# One product is like those that the model has seen.
TAME = 7

# Far from the ends: the prediction of an infinite number is none.
_numbers = st.one_of(
    st.floats(-1e30, 1e30).map(repr),
    st.sampled_from(["-0", "5e-324", "1e-310", "0.1", "1e16", "NaN", "Infinity", "-Infinity", "1e308"]),
)
_products = st.one_of(
    st.integers(1, 2**63 - 1), st.sampled_from([2**53 + 1, 2**53, 2**63 - 1, 2**31, 1]), st.integers(-(2**63), 0)
).filter(lambda product: product != TAME)


@st.composite
def some_products(draw: Any) -> list[tuple[str, ...]]:
    """Draw products, with a few values for each of their columns."""
    pools = [draw(st.lists(values, min_size=1, max_size=5)) for values in (nasty.texts, *[_numbers] * 4)]
    products = draw(st.lists(_products, min_size=PRODUCTS, max_size=PRODUCTS, unique=True))
    seed = draw(st.randoms(use_true_random=False))
    return [(str(product), *(seed.choice([*pool, pool[0]]) for pool in pools)) for product in products]


@given(products=some_products())
@settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_products_are_offered_once_or_set_aside(shelves: Shelves, products: list[tuple[str, ...]]) -> None:
    tame = shelves.declared(push_scores="push.shelf_offers:any_scores", max_failed_share=1.0, max_quarantined_share=1.0)
    rows = ", ".join(
        f"('{DAY}', {', '.join(map(nasty.literal, row))})" for row in [*products, (str(TAME), "GROCERY", *"1234")]
    )
    columns = "day, product_id, department, units, price, discount_share_28d, mean_stores_28d"
    tame.execute(
        "ALTER TABLE shelves.daily ALTER product_id TYPE bigint",
        f"DELETE FROM shelves.daily WHERE day = '{DAY}'",
        f"INSERT INTO shelves.daily ({columns}) VALUES {rows} ON CONFLICT DO NOTHING",
    )
    outcome: Any = tame.push()
    counts = outcome.counts
    assert counts.rows_extracted == counts.rows_quarantined + counts.rows_failed + counts.rows_scored
    active = tame.active()
    assert outcome.pushed.offers == min(TOP, counts.rows_scored)
    # What an earlier example has sent in the same words is not sent again; who is rejected stays rejected.
    sent = [chunk for chunk in tame.deliveries() if chunk["kind"] == "offers"]
    newest = max(chunk["generation"] for chunk in sent)
    rejected = sum(chunk["rejected"] for chunk in sent if chunk["generation"] == newest)
    assert len(active) == outcome.pushed.offers - rejected
    assert set(active) <= {int(product) for product, *_ in products} | {TAME}
