"""Assets: what a pipeline's publication is called in Airflow."""

from airflow.sdk import Asset


def predictions(pipeline: str, group: str = "predictions") -> Asset:
    """Return the asset that gets an event, with the partition's key, whenever a partition is published."""
    return Asset(name=f"predictions.{pipeline}", uri=f"daybreak://predictions/{pipeline}", group=group)


def retraining(pipeline: str) -> Asset:
    """Return the asset that gets an event when measurements ask for the pipeline's model to be trained again."""
    return Asset(name=f"retraining.{pipeline}", uri=f"daybreak://retraining/{pipeline}", group="retraining")


def retrained(asset: Asset) -> str:
    """Return the pipeline whose training an asset's event asks for."""
    return asset.name.removeprefix("retraining.")
