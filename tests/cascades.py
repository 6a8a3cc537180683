"""Two pipelines in a row, made for tests: the class of each parcel, then its two best carriers by the class's model."""

from typing import Any

from daybreak.models.aliases import Decision
from daybreak.training.train import train
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_CARRIERS, PARCEL_CLASSES
from fixture_pipelines.parcel_carriers.training import build, sample
from parcels import DAY, TRAINED_THROUGH, Parcels

CARRIERS = 4
KEPT = 2


class Cascade:
    """The upstream and the downstream pipeline on one database."""

    def __init__(self, workspace: Workspace, **changes: Any) -> None:
        self.workspace = workspace
        self.classes = Parcels(workspace, PARCEL_CLASSES)
        self.carriers = Parcels(workspace, PARCEL_CARRIERS).declared(**changes)

    def declared(self, **changes: Any) -> "Cascade":
        """Declare the downstream pipeline otherwise, on the same database."""
        return Cascade(self.workspace, **changes)

    def register(self, name: str, level: float, slope: float = 0.01, model: Any = None) -> int:
        """Register a version of one segment's model and make it the champion."""
        [ref] = [ref for ref in self.carriers.pipeline.model_refs if ref.name == name]
        version = self.workspace.registry.register(
            name,
            model or build(level, slope),
            sample().head(3),
            trained_through=TRAINED_THROUGH,
        )
        self.workspace.aliases(ref).move(version.version, Decision("test"))
        return version.version

    def reclassify(self, where: str, parcel_class: str | None) -> None:
        """Change the class of parcels in what the upstream has published, as a faulty upstream would."""
        self.classes.execute(
            "ALTER TABLE predictions.parcel_classes_runs ALTER parcel_class DROP NOT NULL",
            f"UPDATE predictions.parcel_classes_runs SET parcel_class = "
            f"{'NULL' if parcel_class is None else repr(parcel_class)} WHERE {where}",
        )

    def classes_shown(self) -> dict[tuple[str, int], str]:
        """Return the current class of each of the day's parcels."""
        rows = self.classes.rows(
            "SELECT depot, parcel_id, parcel_class FROM predictions.parcel_classes WHERE partition_date = %s", DAY
        )
        return {(depot, parcel): parcel_class for depot, parcel, parcel_class in rows}

    def lists_shown(self) -> dict[tuple[str, int], list[tuple[int, float, str]]]:
        """Return the current list of each of the day's parcels: carrier, likelihood and class, by rank."""
        lists: dict[tuple[str, int], list[tuple[int, float, str]]] = {}
        for depot, parcel, rank, carrier, likelihood, parcel_class in self.carriers.rows(
            "SELECT depot, parcel_id, rank, carrier, likelihood, parcel_class FROM predictions.parcel_carriers "
            "WHERE partition_date = %s ORDER BY depot, parcel_id, rank",
            DAY,
        ):
            lists.setdefault((depot, parcel), []).append((carrier, likelihood, parcel_class))
            assert len(lists[depot, parcel]) == rank
        return lists

    def segments(self, run_id: int) -> dict[str | None, tuple[int, int, int, int]]:
        """Return what came of each segment's rows: extracted, quarantined, failed, scored."""
        rows = self.carriers.rows(
            "SELECT segment, rows_extracted, rows_quarantined, rows_failed, rows_scored FROM ledger.run_segments "
            "WHERE run_id = %s ORDER BY position",
            run_id,
        )
        return {segment: (*map(int, counts),) for segment, *counts in rows}


def load_cascade(workspace: Workspace) -> None:
    """Train both pipelines' models and publish the classes of one day."""
    cascade = Cascade(workspace)
    for pipeline in (PARCEL_CLASSES, PARCEL_CARRIERS):
        train(workspace, pipeline, through=TRAINED_THROUGH)
    cascade.classes.run()
