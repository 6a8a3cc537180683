"""Customer recommendations: the five product categories that each household will most probably buy within a week."""

from datetime import time

from daybreak import ModelRef, PerSegment, Pipeline, Prediction, Retrain, Top
from retail.sales import SALES
from retail.segments import SEGMENTS

NAME = "customer_recommendations"

CUSTOMER_RECOMMENDATIONS = Pipeline(
    name=NAME,
    description="The five categories that each household will most probably buy in the seven days after the partition.",
    timezone="America/New_York",
    entity_key=("household_id", "product_category"),
    reads=SALES,
    due=time(6, 0),
    # A household without a segment that buys nevertheless is ranked by the model of all households.
    model=PerSegment(
        "segment",
        {segment: ModelRef(f"{NAME}_{segment}") for segment in SEGMENTS},
        fallback=ModelRef(NAME),
    ),
    prediction=Prediction("probability", low=0, high=1, method="predict_proba"),
    expectations="retail.customer_recommendations.expectations:suite",
    training="retail.customer_recommendations.training:train",
    history_days=90,
    upstream="customer_segments",
    carries=("segment",),
    top=Top(5, within=("household_id",)),
    columns={
        "partition_date": "The day at whose end the list was made.",
        "household_id": "The household.",
        "rank": "Place in the household's list, from 1.",
        "product_category": "The product category.",
        "probability": "Probability that the household buys in the category within the seven days after the partition.",
        "segment": "The household's segment as published when the run was planned; empty if it was in none.",
    },
    measures="ranking",
    measured_by="segment",
    target="bought_next_7d",
    target_days=7,
    training_rows="retail.customer_recommendations.training:training_rows",
    # On 13 healthy days, up to 40 days after the training, no segment's divergence was above 0.051 (lapsing,
    # days_since_bought), and 0.044 of the predictions. household_share_28d is not watched: so many households share a
    # value that bins cut through it, and healthy days reach 0.15. On the worst of 11 days the lists of a segment were
    # right 1.4 times less often than in training (lapsing); the mean of seven days is steadier.
    retrain=Retrain(
        features=("bought_days_28d", "days_since_bought", "visit_days_28d"), divergence=0.2, error_ratio=1.5
    ),
)
