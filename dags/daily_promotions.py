"""
Scores every product sold in the 28 days up to the partition's end (about 23,000 a day) for the probability that it
sells on the next day, and sends the best candidates for an offer to the promotions system: the best 200, or what
`DAYBREAK_PUSH_TOP` says. No offer is there twice.
"""

from daybreak_airflow import scoring_dag
from retail.daily_promotions import DAILY_PROMOTIONS

scoring_dag(DAILY_PROMOTIONS, doc_md=__doc__)
