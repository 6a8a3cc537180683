"""
### Demand forecast

Forecasts how many units of each product category every store will sell **tomorrow**, from the sales of the 28 days up
to the partition's end.

| | |
|---|---|
| **Partition** | one calendar day in America/New_York; the run after midnight scores the day that has just ended |
| **Grain** | one row per store and product category with a sale in the last 28 days (about 18,000 a day) |
| **Reads** | `retail.transactions`, `retail.products` through `sql/demand_forecast/extract.sql` |
| **Writes** | `predictions.demand_forecast` (current) and `predictions.demand_forecast_as_of(instant)` |
| **Model** | `demand_forecast`, alias `champion`, resolved once per run |

**To run a day again** after the source was corrected, start a backfill of that day (*Trigger → Backfill*, reprocess
*All Runs*), or clear the whole run. Analysts see the old complete forecast until the new one is complete.

**If a run fails**, the last line of the failed task's log says what is wrong and what to do next; the same line is in
`ledger.runs.error`. Nothing of a failed run is visible to anybody.

* `plan` decides partition and model version. Force a version with the parameter `model_version`.
* `extract` takes a snapshot of the rows.
* `validate` quarantines rows that break a critical expectation (`ledger.quarantine`), up to 5 %.
* `score` writes predictions under the run, where nobody sees them yet.
* `publish` makes them the current ones, in one transaction, and updates the asset `predictions.demand_forecast`.
* `shadow` scores the same rows with the challenger, into `predictions.demand_forecast_shadow`, which nobody but the
  measurements reads. It is skipped where there is no challenger, and what goes wrong in it fails nothing.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.sdk import dag

from daybreak_airflow import parameters, stages
from daybreak_airflow.assets import predictions
from daybreak_airflow.schedules import RETRIES, daily
from retail.demand_forecast import DEMAND_FORECAST as PIPELINE


@dag(
    dag_id=PIPELINE.name,
    dag_display_name="Demand forecast",
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
def demand_forecast() -> None:
    """Declare what runs, and in what order."""
    plan = stages.plan(PIPELINE.name)
    snapshot = stages.extract(plan)
    validated = stages.validate(plan, snapshot)
    counts = stages.score(plan, validated)
    published = stages.publish(plan, counts, predictions(PIPELINE.name))
    stages.shadow(plan, validated, published)


demand_forecast()
