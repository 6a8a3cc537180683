"""
### Customer recommendations

Ranks the product categories that each household may buy in the **seven days after the partition**, each segment's
households by that segment's own model, and publishes the five most probable ones.

| | |
|---|---|
| **Partition** | the one of `customer_segments` that was published: each publication there starts one run here |
| **Grain** | one row per household and category candidate (about 245,000); published: five per household, with rank |
| **Reads** | `retail.transactions`, `retail.products`, the published segments: `sql/customer_recommendations/` |
| **Writes** | `predictions.customer_recommendations` and `predictions.customer_recommendations_as_of(instant)` |
| **Models** | `customer_recommendations_<segment>`, and `customer_recommendations` for households in no segment |

**A run reads one publication of the segments**, written down when it is planned, whatever is published meanwhile. If
there is none for the partition, `plan` stops and says so: run `customer_segments` first.

**To run a day again**, run `customer_segments` again (*Trigger → Backfill* there): its publication starts this one. Or
start a backfill of the day here, or clear the whole run.

**If a run fails**, the last line of the failed task's log says what is wrong and what to do next; the same line is in
`ledger.runs.error`. Nothing of a failed run is visible to anybody; the lists of the publication before stay.

* `plan` decides partition, upstream publication and the model version of each segment. There is no parameter
  `model_version`: move the alias of a segment's model instead.
* `extract` takes a snapshot of the rows.
* `validate` quarantines rows that break a critical expectation (`ledger.quarantine`), up to 5 %.
* `score` routes rows to their segment's model and writes the five best of each household under the run.
* `publish` makes them the current ones, in one transaction, and updates the asset
  `predictions.customer_recommendations`.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.sdk import dag

from daybreak_airflow import parameters, stages
from daybreak_airflow.assets import predictions
from daybreak_airflow.schedules import RETRIES, after
from retail.customer_recommendations import CUSTOMER_RECOMMENDATIONS as PIPELINE
from retail.customer_segments import CUSTOMER_SEGMENTS as UPSTREAM


@dag(
    dag_id=PIPELINE.name,
    dag_display_name="Customer recommendations",
    description=PIPELINE.description,
    doc_md=__doc__,
    schedule=after(UPSTREAM.name),
    start_date=datetime(2017, 1, 1, tzinfo=ZoneInfo(PIPELINE.timezone)),
    catchup=False,
    max_active_runs=4,
    default_args=RETRIES,
    params=parameters.SEGMENTS,
    on_failure_callback=stages.close_run,
    tags=["daybreak", "publish"],
)
def customer_recommendations() -> None:
    """Declare what runs, and in what order."""
    plan = stages.plan(PIPELINE.name)
    snapshot = stages.extract(plan)
    validated = stages.validate(plan, snapshot)
    counts = stages.score(plan, validated)
    stages.publish(plan, counts, predictions(PIPELINE.name))


customer_recommendations()
