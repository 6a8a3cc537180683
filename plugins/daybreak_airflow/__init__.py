"""The adapter between the engine and Airflow: DAGs from declarations, schedules, assets, tasks.

What a DAG file calls can be imported from here. Nothing else imports airflow.
"""

from typing import TYPE_CHECKING

from daybreak.public_names import on_first_use

if TYPE_CHECKING:
    from daybreak_airflow.measuring import measuring_dag
    from daybreak_airflow.promoting import promoting_dag
    from daybreak_airflow.replaying import replaying_dag
    from daybreak_airflow.scoring import scoring_dag
    from daybreak_airflow.training import training_dag
    from daybreak_airflow.watching import watching_dag

__all__ = ["measuring_dag", "promoting_dag", "replaying_dag", "scoring_dag", "training_dag", "watching_dag"]


# Each is imported when it is asked for: a file that scores loads nothing of training.
__getattr__, __dir__ = on_first_use(globals(), {name: f"{__name__}.{name.removesuffix('_dag')}" for name in __all__})
