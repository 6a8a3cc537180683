"""
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

from daybreak_airflow import promoting_dag

promoting_dag(doc_md=__doc__)
