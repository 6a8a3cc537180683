"""
Gives the **quarantined rows** of a published partition another try, after the source or the rule was mended.

| | |
|---|---|
| **Starts** | when somebody asks for it: *Replay* on a partition's page, or a trigger with `pipeline` and `partition` |
| **Reads** | quarantined rows as the source has them now, or with `from` *snapshot* as they were; others as they were |
| **Writes** | a whole run with the same model version, which is then the current one of its partition |

**To take a replay back**, roll the partition back: on its page, or `daybreak rollback PIPELINE PARTITION`.

**If a run fails**, the last line of the failed task's log says what is wrong and what to do next. What was published
stays. **To replay again**, ask for it again.

* `replay` does what `daybreak replay PIPELINE PARTITION` does. Pipelines that read the partition's predictions are then
  shown as *stale*, until they are run again.
"""

from daybreak_airflow import replaying_dag

replaying_dag(doc_md=__doc__)
