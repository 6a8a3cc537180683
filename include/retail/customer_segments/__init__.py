"""Customer segments: how each household buys, in one of four words."""

from datetime import time

from daybreak import ModelRef, Pipeline, Prediction, Retrain
from retail.sales import SALES
from retail.segments import SEGMENTS

CUSTOMER_SEGMENTS = Pipeline(
    name="customer_segments",
    description="The segment of each household, from what it bought in the 90 days up to the partition's end.",
    timezone="America/New_York",
    entity_key=("household_id",),
    reads=SALES,
    due=time(6, 0),
    model=ModelRef("customer_segments"),
    prediction=Prediction("segment", low=0, high=len(SEGMENTS) - 1, labels=SEGMENTS),
    expectations="retail.customer_segments.expectations:suite",
    training="retail.customer_segments.training:train",
    history_days=90,
    columns={
        "partition_date": "The day at whose end the household was looked at.",
        "household_id": "The household.",
        "segment": "loyal, regular, occasional or lapsing: from the households that came last to those that stay away.",
    },
    # Households that bought nothing in 90 days are in no segment. Over the demonstration data's year their share of all
    # that ever bought grows from nothing to 6.0 %.
    max_quarantined_share=0.1,
    # On 13 healthy days, up to 40 days after the training, the divergences were 0.013 at most; but on the day after
    # the stores were closed for Christmas nobody had bought the day before, and days_since_last_purchase was at 0.17.
    retrain=Retrain(
        features=("days_since_last_purchase", "baskets_90d", "spend_90d", "discount_share_90d", "departments_90d"),
        divergence=0.35,
    ),
)
