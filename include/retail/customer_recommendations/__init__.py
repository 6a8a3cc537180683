"""Customer recommendations: the five product categories that each household will most probably buy within a week."""

from daybreak.pipeline import ModelRef, PerSegment, Pipeline, Prediction, Top
from retail.customer_segments import CUSTOMER_SEGMENTS, SEGMENTS

NAME = "customer_recommendations"

CUSTOMER_RECOMMENDATIONS = Pipeline(
    name=NAME,
    description="The five categories that each household will most probably buy in the seven days after the partition.",
    timezone="America/New_York",
    entity_key=("household_id", "product_category"),
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
    upstream=CUSTOMER_SEGMENTS.name,
    carries=("segment",),
    top=Top(5, within=("household_id",)),
    measures="ranking",
    measured_by="segment",
    target="bought_next_7d",
    target_days=7,
    training_rows="retail.customer_recommendations.training:training_rows",
)
