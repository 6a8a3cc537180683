"""
### Daily promotions

Scores every product sold in the 28 days up to the partition's end for the probability that it sells on the next day,
and sends the best candidates for an offer to the promotions system.

| | |
|---|---|
| **Partition** | one calendar day in America/New_York; the run after midnight scores the day that has just ended |
| **Grain** | one row per product sold in the last 28 days (about 23,000 a day) |
| **Reads** | `retail.transactions`, `retail.products` through `sql/daily_promotions/extract.sql` |
| **Sends to** | the Airflow Connection `promotions`: the best 200, or what `DAYBREAK_PUSH_TOP` says |
| **Model** | `daily_promotions`, alias `champion`, resolved once per run |

**Kept** are counts, digests and expectation results (`ledger.runs`), the quarantined rows, and a receipt for each chunk
that was sent (`ledger.deliveries`: key, items, keyed digest, state). **Not kept** are the predictions: they are in the
memory of the task `push` and nowhere else. The rows they were made from are removed by `discard`. There is no asset
either, since nothing could be read when its event comes.

**If a run fails**, the last line of the failed task's log says what is wrong and what to do next; the same line is in
`ledger.runs.error`. **To resume a push**, clear the task `push`: `plan`, `extract` and `validate` are cleared with it,
and the model is the champion of the moment, or the version in `model_version`. `daybreak push daily_promotions DAY
--resume` keeps the version that was planned. Both score the day again and send what is not acknowledged yet;
`daybreak deliveries daily_promotions DAY --open` lists that. No offer is there twice. A partition that ended more than
36 hours ago is refused: it is too late for its offers.

**A skipped `push`** has sent nothing, and its log says why. `not pushed: backfill`: a backfill scores and checks its
days, and sends only if its parameter `push_backfill` says so. `not pushed: dry run`: `dry_run` was asked for.
`not pushed: run N, which is newer, …`: a later run of the day was first.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.sdk import chain, dag

from daybreak_airflow import parameters, stages
from daybreak_airflow.schedules import RETRIES, daily
from retail.daily_promotions import DAILY_PROMOTIONS as PIPELINE


@dag(
    dag_id=PIPELINE.name,
    dag_display_name="Daily promotions",
    description=PIPELINE.description,
    doc_md=__doc__,
    schedule=daily(PIPELINE.timezone),
    start_date=datetime(2017, 1, 1, tzinfo=ZoneInfo(PIPELINE.timezone)),
    catchup=False,
    max_active_runs=4,
    default_args=RETRIES,
    params=parameters.PUSHING,
    on_failure_callback=stages.close_run,
    tags=["daybreak", "push"],
)
def daily_promotions() -> None:
    """Declare what runs, and in what order."""
    plan = stages.plan(PIPELINE.name)
    snapshot = stages.extract(plan)
    validated = stages.validate(plan, snapshot)
    pushed = stages.push(plan, validated)
    # Setups are cleared with the task that needs them; a teardown runs whatever came of it, and hides no failure.
    chain(pushed, stages.discard(plan).as_teardown(setups=[plan, snapshot, validated]))


daily_promotions()
