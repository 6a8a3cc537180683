"""
### Train models

Trains every pipeline's model once a week, and at once where measurements ask for it. A new version is the
**challenger**: `promote_models` judges it. Only a pipeline without a champion gets one here.

| | |
|---|---|
| **Starts** | Mondays at 07:00 in America/New_York; an event of an asset `retraining.<pipeline>`; a person |
| **Reads** | each pipeline's `sql/<pipeline>/training.sql`, by whole partition days up to the last day it may see |
| **Writes** | model versions with their runs in MLflow, the alias `challenger`, `ledger.alias_history` |

The settings that a pipeline's training declares are compared on folds by time, the best are fitted on the whole window
and measured on the held-out weeks, which lie after everything that was fitted. A model that does not beat its baseline
there is not registered, nor is one of rows that there is nothing to learn from.

**To train on demand**, trigger it: `pipelines` names which ones (all, if empty), `through` the last day that may be
seen (the last complete one before the run, if empty), and without `search` the settings that the last search chose are
used. `daybreak train PIPELINE` does the same for one.

**If a run fails**, the last line of the failed task's log says what is wrong and what to do next. The other pipelines
are trained nevertheless. **To train again**, clear the failed task: what it had registered is not trained twice.

* `choose` says which pipelines are trained. A run that an event started trains those that were asked for.
* `due` decides the last day, and skips a pipeline that was trained within its cool-down, if an event asked.
* `train` searches, fits, measures and registers. One at a time: a search uses every core.
* `challenge` points the alias to the new version.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.sdk import dag, task_group

from daybreak_airflow import parameters, training
from daybreak_airflow.schedules import RETRIES, weekly
from retail import PIPELINES

TIMEZONE = "America/New_York"
NAMES = [pipeline.name for pipeline in PIPELINES]


@dag(
    dag_id="train_models",
    dag_display_name="Train models",
    description="Search, fit, measure and register every pipeline's model: once a week, and when measurements ask.",
    doc_md=__doc__,
    schedule=weekly(TIMEZONE, [pipeline.name for pipeline in PIPELINES if pipeline.retrain]),
    start_date=datetime(2017, 1, 1, tzinfo=ZoneInfo(TIMEZONE)),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    params=parameters.TRAINING,
    tags=["daybreak", "models"],
)
def train_models() -> None:
    """Declare what runs, and in what order."""

    @task_group
    def pipeline(pipeline: str) -> None:
        due = training.due(pipeline=pipeline)
        trained = training.train(due=due)
        training.challenge(trained=trained)

    pipeline.expand(pipeline=training.choose(NAMES))


train_models()
