"""
### Customer segments

Puts every household into one of four segments (**loyal, regular, occasional, lapsing**) by what it bought in the 90
days up to the partition's end: how lately, how often, for how much, in baskets of which size, at which discount, in how
many departments.

| | |
|---|---|
| **Partition** | one calendar day in America/New_York; the run after midnight scores the day that has just ended |
| **Grain** | one row per household that ever bought anything (about 2,500) |
| **Reads** | `retail.transactions`, `retail.products` through `sql/customer_segments/extract.sql` |
| **Writes** | `predictions.customer_segments` (current) and `predictions.customer_segments_as_of(instant)` |
| **Model** | `customer_segments`, alias `champion`, resolved once per run |
| **Starts** | `customer_recommendations` of the same partition, through the asset `predictions.customer_segments` |

**To see the cascade**, choose *All Dag Dependencies* in the options of the graph; it shows tasks only otherwise.

A household that bought nothing in 90 days is in no segment: it is in `ledger.quarantine` (about 6 % of all are).

**To run a day again** after the source was corrected, start a backfill of that day (*Trigger → Backfill*, reprocess
*All Runs*), or clear the whole run. The recommendations of that day then run again, too.

**If a run fails**, the last line of the failed task's log says what is wrong and what to do next; the same line is in
`ledger.runs.error`. Nothing of a failed run is visible to anybody, and no recommendations are made from it.

* `plan` decides partition and model version. Force a version with the parameter `model_version`.
* `extract` takes a snapshot of the rows.
* `validate` quarantines rows that break a critical expectation (`ledger.quarantine`), up to 10 %.
* `score` writes the segments under the run, where nobody sees them yet.
* `publish` makes them the current ones, in one transaction, and updates the asset `predictions.customer_segments`.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.sdk import dag

from daybreak_airflow import parameters, stages
from daybreak_airflow.assets import predictions
from daybreak_airflow.schedules import RETRIES, daily
from retail.customer_segments import CUSTOMER_SEGMENTS as PIPELINE


@dag(
    dag_id=PIPELINE.name,
    dag_display_name="Customer segments",
    description=PIPELINE.description,
    doc_md=__doc__,
    schedule=daily(PIPELINE.timezone),
    start_date=datetime(2017, 1, 1, tzinfo=ZoneInfo(PIPELINE.timezone)),
    catchup=False,
    max_active_runs=4,
    default_args=RETRIES,
    params=parameters.SCORING,
    on_failure_callback=stages.close_run,
    tags=["daybreak", "publish"],
)
def customer_segments() -> None:
    """Declare what runs, and in what order."""
    plan = stages.plan(PIPELINE.name)
    snapshot = stages.extract(plan)
    validated = stages.validate(plan, snapshot)
    counts = stages.score(plan, validated)
    stages.publish(plan, counts, predictions(PIPELINE.name))


customer_segments()
