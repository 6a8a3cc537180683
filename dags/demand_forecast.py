"""
Forecasts how many units of each product category every store will sell **tomorrow**, from the sales of the 28 days up
to the partition's end: about 18,000 rows a day, one for each store and category with a sale in those days.
"""

from daybreak_airflow import scoring_dag
from retail.demand_forecast import DEMAND_FORECAST

scoring_dag(DEMAND_FORECAST, doc_md=__doc__)
