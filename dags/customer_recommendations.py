"""
Ranks the product categories that each household may buy in the **seven days after the partition**, each segment's
households by that segment's own model, and publishes the five most probable ones: about 245,000 candidates a day.

**A run reads one publication of the segments**, whatever is published meanwhile. If there is none for the partition,
`plan` stops and says so: run `customer_segments` first. There is no parameter `model_version`: move the alias of a
segment's model instead.
"""

from daybreak_airflow import scoring_dag
from retail.customer_recommendations import CUSTOMER_RECOMMENDATIONS

scoring_dag(CUSTOMER_RECOMMENDATIONS, doc_md=__doc__)
