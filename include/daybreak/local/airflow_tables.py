"""Whether Airflow's tables are those of the installed Airflow, without the three seconds that asking Airflow takes."""

import importlib.metadata
import json
from pathlib import Path

import sqlalchemy as sa


def tables_are_current(url: str, folder: Path) -> bool:
    """Tell whether the installed Airflow has already made or migrated these tables, and nobody has since."""
    try:
        noted = json.loads((folder / "migrated.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(noted == _tables(url))


def note_current_tables(url: str, folder: Path) -> None:
    """Write down that Airflow runs on these tables."""
    (folder / "migrated.json").write_text(json.dumps(_tables(url)))


def _tables(url: str) -> dict[str, str]:
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    except sa.exc.ProgrammingError:
        revision = None  # there are no tables
    finally:
        engine.dispose()
    return {"airflow": importlib.metadata.version("apache-airflow-core"), "revision": str(revision)}
