"""Daily promotions: which products to put on offer today, sent to the promotions system and kept nowhere."""

from datetime import time

from daybreak import ModelRef, Pipeline, Prediction, Push, Retrain
from retail.sales import SALES

DAILY_PROMOTIONS = Pipeline(
    name="daily_promotions",
    description="Probability that each product sells on the day after the partition; the best are offered.",
    timezone="America/New_York",
    entity_key=("product_id",),
    reads=SALES,
    due=time(6, 0),
    model=ModelRef("daily_promotions"),
    prediction=Prediction("probability", low=0, high=1, method="predict_proba"),
    expectations="retail.daily_promotions.expectations:suite",
    training="retail.daily_promotions.training:train",
    history_days=28,
    measures="probability",
    measured_by="department",
    target="sells_tomorrow",
    groups=("department",),
    group_margin=0.05,
    # On 13 healthy days, up to 40 days after the training, the features' divergences were 0.001 at most and that of the
    # probabilities 0.045. From 0.1 on nothing is pushed (expectations.py): a training is asked for before that.
    retrain=Retrain(
        features=("units_28d", "sale_days_28d", "discount_share_28d", "average_price_28d"), divergence=0.08
    ),
    push=Push(
        connection="promotions",
        offers="retail.daily_promotions.offers:Offers",
        scores="retail.daily_promotions.expectations:scores",
    ),
)
