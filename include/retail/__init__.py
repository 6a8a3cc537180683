"""The retailer's pipelines. Replace this package by your own and name it in DAYBREAK_PIPELINES."""

from retail.daily_promotions import DAILY_PROMOTIONS
from retail.demand_forecast import DEMAND_FORECAST

PIPELINES = (DEMAND_FORECAST, DAILY_PROMOTIONS)
