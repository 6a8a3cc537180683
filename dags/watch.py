"""
Looks at **all pipelines** every five minutes: what is late, has failed, or is unlike usual opens an incident, and those
who want to know are told. What is mended closes by itself.

| | |
|---|---|
| **Reads** | the calendar and the ledger, nothing of predictions |
| **Writes** | `ledger.incidents`, `ledger.messages` |
| **Tells** | the channels of `DAYBREAK_ALERT_<NAME>`: when an incident opens and when it closes, and again each day |

`daybreak watch` is the same look from a shell or cron, which is also there when Airflow is not. `docs/watch.md` has
what is watched, and of each kind of incident what to do.

**If a run fails**, the last line of the task's log says what is wrong and what to do next. The next run, five minutes
later, sees what it would have seen: nothing has to be run again.

* `look` opens what is new, closes what is mended, and sends what is to be told. A channel that does not take its
  message fails no run: it is tried again, and is an incident itself.
"""

from daybreak_airflow import watching_dag

watching_dag(doc_md=__doc__)
