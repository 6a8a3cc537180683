"""
Holds what was predicted against **what really happened**, once a day for every pipeline that says what it measures.

| | |
|---|---|
| **Reads** | `sql/<pipeline>/actuals.sql`, and the predictions of each partition's current run |
| **Writes** | `ledger.performance`: metrics for each partition, model version, role and segment |
| **Roles** | the champion, and the challenger that scored the same rows as its shadow |
| **Partitions** | those measured never before, and the last two weeks again: actuals may come late |

Predictions that were pushed are kept nowhere. Their partition is scored again in memory, with the model version that
was planned for it, and only averages over 30 rows or more are kept, and a number for the drift of each column.

**To measure a day again**, `daybreak measure PIPELINE --from DAY --to DAY`; measuring twice gives the same rows.
`daybreak performance PIPELINE` shows what was measured.

**If a run fails**, the last line of the failed task's log says what is wrong and what to do next. Other pipelines are
measured nevertheless, and what was measured stays.

* `measure` measures one pipeline; there is one for each.
* `watch` holds the newest partition that was measured (of a pipeline that measures nothing, the newest that is
  published) against what the pipeline declares under `retrain`: its error against that of the training, and the drift
  of features and predictions, segment by segment where each has a model. What crosses a threshold is written into
  `ledger.retraining_requests`, and sends the asset event that `train_models` listens to. A skipped one asked for
  nothing. There is one for each pipeline that declares it.
"""

from daybreak_airflow import measuring_dag

measuring_dag(timezone="America/New_York", doc_md=__doc__)
