"""The retailer's pipelines. Replace this package by your own and name it in DAYBREAK_PIPELINES."""

from retail.customer_recommendations import CUSTOMER_RECOMMENDATIONS
from retail.customer_segments import CUSTOMER_SEGMENTS
from retail.daily_promotions import DAILY_PROMOTIONS
from retail.demand_forecast import DEMAND_FORECAST

PIPELINES = (DEMAND_FORECAST, DAILY_PROMOTIONS, CUSTOMER_SEGMENTS, CUSTOMER_RECOMMENDATIONS)
