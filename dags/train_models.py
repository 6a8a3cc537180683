"""
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

from daybreak_airflow import training_dag

training_dag(timezone="America/New_York", doc_md=__doc__)
