"""Daybreak: batch inference whose every prediction is accounted for.

What a pipeline's author imports is here, and in ``daybreak.training`` what a training needs. Every other module is
internal. A name is imported when it is first used, so that Airflow parses a DAG file quickly.
"""

from typing import TYPE_CHECKING

from daybreak.public_names import on_first_use

if TYPE_CHECKING:
    from daybreak.batch.chunk import Chunk, Scored
    from daybreak.declaration.cadence import Day, Hour, Month, Week
    from daybreak.declaration.files import DeltaTable, Files, IcebergTable
    from daybreak.declaration.pipeline import Pipeline, Push, Retrain, Top
    from daybreak.declaration.prediction import Prediction
    from daybreak.declaration.row_rules import RowRules
    from daybreak.declaration.segments import ModelRef, PerSegment
    from daybreak.declaration.source_tables import EventTable, StateTable
    from daybreak.errors import (
        ConfigurationError,
        DaybreakError,
        DeliveryRefused,
        DeliveryUnavailable,
        ExpectationsFailed,
        ModelRefused,
        PartitionRefused,
        PublicationRefused,
        ScoringFailed,
        SourceAwaited,
        SourceNotLanded,
        SourceRefused,
        SourceUnavailable,
        StorageUnavailable,
        TerminalError,
        TransientError,
        UnexpectedError,
        WarehouseUnavailable,
        WorkerRefused,
    )
    from daybreak.push.keys import offer_id
    from daybreak.run.plan import Plan

__version__ = "0.1.0"

_MODULES = {
    "batch.chunk": ("Chunk", "Scored"),
    "declaration.cadence": ("Day", "Hour", "Month", "Week"),
    "declaration.files": ("DeltaTable", "Files", "IcebergTable"),
    "declaration.pipeline": ("Pipeline", "Push", "Retrain", "Top"),
    "declaration.prediction": ("Prediction",),
    "declaration.row_rules": ("RowRules",),
    "declaration.segments": ("ModelRef", "PerSegment"),
    "declaration.source_tables": ("EventTable", "StateTable"),
    "errors": (
        "ConfigurationError",
        "DaybreakError",
        "DeliveryRefused",
        "DeliveryUnavailable",
        "ExpectationsFailed",
        "ModelRefused",
        "PartitionRefused",
        "PublicationRefused",
        "ScoringFailed",
        "SourceAwaited",
        "SourceNotLanded",
        "SourceRefused",
        "SourceUnavailable",
        "StorageUnavailable",
        "TerminalError",
        "TransientError",
        "UnexpectedError",
        "WarehouseUnavailable",
        "WorkerRefused",
    ),
    "push.keys": ("offer_id",),
    "run.plan": ("Plan",),
}
_HOME = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}

__all__ = [
    "Chunk",
    "ConfigurationError",
    "Day",
    "DaybreakError",
    "DeliveryRefused",
    "DeliveryUnavailable",
    "DeltaTable",
    "EventTable",
    "ExpectationsFailed",
    "Files",
    "Hour",
    "IcebergTable",
    "ModelRef",
    "ModelRefused",
    "Month",
    "PartitionRefused",
    "PerSegment",
    "Pipeline",
    "Plan",
    "Prediction",
    "PublicationRefused",
    "Push",
    "Retrain",
    "RowRules",
    "Scored",
    "ScoringFailed",
    "SourceAwaited",
    "SourceNotLanded",
    "SourceRefused",
    "SourceUnavailable",
    "StateTable",
    "StorageUnavailable",
    "TerminalError",
    "Top",
    "TransientError",
    "UnexpectedError",
    "WarehouseUnavailable",
    "Week",
    "WorkerRefused",
    "offer_id",
]

__getattr__, __dir__ = on_first_use(globals(), _HOME)
