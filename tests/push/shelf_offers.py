"""Shelf offers: a pipeline that pushes, made for tests: small, quick to score, with the real offers and score suite."""

from typing import TYPE_CHECKING, Any

from daybreak import EventTable, ModelRef, Pipeline, Prediction, Push
from retail.daily_promotions.offers import Offers

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

    from daybreak import Scored

FEATURES = ["units", "price", "discount_share_28d"]
# Products cheaper than this are quarantined.
LEAST_PRICE = 0.5

SHELF_OFFERS = Pipeline(
    name="shelf_offers",
    description="Probability that each product on the shelves sells tomorrow; the best are offered.",
    timezone="UTC",
    entity_key=("product_id",),
    reads=EventTable(table="shelves.daily", day="day"),
    model=ModelRef("shelf_offers"),
    prediction=Prediction("probability", low=0, high=1, method="predict_proba"),
    expectations="push.shelf_offers:suite",
    training="push.shelf_offers:suite",
    push=Push(
        connection="promotions",
        offers="retail.daily_promotions.offers:Offers",
        scores="retail.daily_promotions.expectations:scores",
        chunk_items=4,
    ),
)
PIPELINES = (SHELF_OFFERS,)


def any_scores(column: str, profile: dict[str, Any]) -> "ExpectationSuite":
    """Build a suite of the scores that leaves their spread alone."""
    import great_expectations as gx
    import great_expectations.expectations as gxe

    return gx.ExpectationSuite(
        name="any_scores",
        expectations=[gxe.ExpectColumnValuesToNotBeNull(column=column, severity="critical")],
    )


def suite() -> "ExpectationSuite":
    """Build the expectation suite of the rows."""
    import great_expectations as gx
    import great_expectations.expectations as gxe

    return gx.ExpectationSuite(
        name="shelf_offers",
        expectations=[
            gxe.ExpectColumnValuesToBeBetween(column="price", min_value=LEAST_PRICE, severity="critical"),
            gxe.ExpectColumnMeanToBeBetween(column="units", min_value=0, max_value=1_000, severity="warning"),
        ],
    )


class Surest(Offers):
    """Offers of products alone that are not sold one time in ten at most."""

    def add(self, scored: "Scored") -> None:
        """Take in those whose low quantile is above nothing."""
        super().add(scored.keep(scored.further["probability_q10"] > 0))


class Undecided(Offers):
    """Offers that cannot be decided, and say so with the predictions."""

    def items(self) -> Any:
        """Fail."""
        best = [offer["probability"] for offer in super().items()]
        raise ValueError(f"cannot decide between {best}")


class Unwritable(Offers):
    """Offers of which one cannot be written out as JSON."""

    def items(self) -> Any:
        """Return them with one more field."""
        return [offer | {"sure": complex(offer["probability"])} for offer in super().items()]


class Undefined(Offers):
    """Offers of which one number is none."""

    def items(self) -> Any:
        """Return them with one more field."""
        return [offer | {"sure": float("nan")} for offer in super().items()]
