"""The retailer's pipelines. Replace this package by your own and name it in DAYBREAK_PIPELINES.

Each is imported when it is asked for, and by itself: a broken one breaks no other.
"""

PIPELINES = (
    "retail.demand_forecast:DEMAND_FORECAST",
    "retail.daily_promotions:DAILY_PROMOTIONS",
    "retail.customer_segments:CUSTOMER_SEGMENTS",
    "retail.customer_recommendations:CUSTOMER_RECOMMENDATIONS",
)
