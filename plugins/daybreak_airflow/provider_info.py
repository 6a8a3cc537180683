"""Provider info: what Airflow lists Daybreak as. Every command of Airflow reads it, so nothing else is imported."""


def get_provider_info() -> dict[str, object]:
    """Return what Airflow's provider manager asks an installed provider for."""
    return {
        "package-name": "daybreak",
        "name": "Daybreak",
        "description": "Batch inference whose every prediction is accounted for, safe to re-run and derivable again.",
    }
