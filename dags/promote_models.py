"""
### Promote models

Judges the **challenger** of a pipeline against its champion and, when it passed every check and a person approves,
makes it the champion. Runs that are planned by then keep the version they were planned with.

| | |
|---|---|
| **Starts** | when somebody triggers it; `pipeline` says whose challenger is judged, `model` which one of several |
| **Reads** | held-out rows that neither version has seen; shadow predictions and their actuals |
| **Writes** | the alias `champion` in the registry, and every decision into `ledger.alias_history` |

**To take a promotion back**, run `daybreak demote PIPELINE`, with `--model NAME` for one of several: one command, under
two seconds.

**If a run fails**, the last line of the failed task's log says what is wrong and what to do next. Nothing was moved.
**To judge again**, trigger it again: a run judges what the alias `challenger` says when it starts.

* `judge` compares both versions. A refusal is written down with its reasons and ends the run. Where
  `DAYBREAK_PROMOTE_AUTOMATICALLY` is set, it moves the alias itself.
* `ask` waits for a person: *Required Actions* in the UI shows what was judged, and *Approve* and *Reject*.
* `settle` judges the approved version once more and moves the alias, or writes down who refused.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.sdk import Param, chain, dag

from daybreak_airflow import promoting
from daybreak_airflow.schedules import RETRIES
from retail import PIPELINES

NAMES = [pipeline.name for pipeline in PIPELINES]


@dag(
    dag_id="promote_models",
    dag_display_name="Promote models",
    description="Judge a pipeline's challenger; a person approves, and it is the champion.",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2017, 1, 1, tzinfo=ZoneInfo("UTC")),
    catchup=False,
    max_active_runs=4,
    default_args=RETRIES,
    params={
        "pipeline": Param(NAMES[0], enum=NAMES, description="Whose challenger is judged."),
        "model": Param(None, type=["null", "string"], description="Which one, where each segment has its own."),
    },
    tags=["daybreak", "models"],
)
def promote_models() -> None:
    """Declare what runs, and in what order."""
    judged = promoting.judge("{{ params.pipeline }}", "{{ params.model or '' }}")
    answer = promoting.ask()
    chain(judged, answer)
    promoting.settle(judged, answer.output)


promote_models()
