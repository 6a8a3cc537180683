"""
Puts every household into one of four segments by what it bought in the 90 days up to the partition's end: how lately,
how often, for how much, in baskets of which size, at which discount, in how many departments. About 2,500 rows a day:
every household that ever bought anything.

A household that bought nothing in 90 days is in no segment: it is in `ledger.quarantine` (about 6 % of all are).

Each publication starts `customer_recommendations` for the same partition, a day that is run again too; of a failed run
no recommendations are made. **To see the cascade**, choose *All Dag Dependencies* in the options of the graph; it shows
tasks only otherwise.
"""

from daybreak_airflow import scoring_dag
from retail.customer_segments import CUSTOMER_SEGMENTS

scoring_dag(CUSTOMER_SEGMENTS, doc_md=__doc__)
