"""The demonstration data and a champion trained quickly on it, made once a session; tests get copies of both."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.local.demonstration_data import TIMEZONE, load_demonstration_data
from daybreak.models.version import ModelVersion
from daybreak.settings import PROJECT, Settings
from daybreak.training.train import train
from daybreak.training.trained import Trained
from daybreak.workspace import Workspace
from parcels import administer, make_template
from quick_retail import QUICK

TEMPLATE = "real_sales"
TRAINED_BEFORE = timedelta(days=20)


@dataclass(frozen=True)
class RealSales:
    """A database with the real sales, moved to end today, and what was measured of its champion."""

    url: str
    models: str
    last_day: date
    loaded: dict[str, int]
    champion: ModelVersion
    trained: Trained

    def settings(self, url: str, home: Path, **others: object) -> Settings:
        """Make settings for a copy of the database; the registry is in it, too."""
        return Settings(
            home=home,
            project=PROJECT,
            pipelines="retail",
            warehouse_url=url,
            registry_url=url,
            models_uri=self.models,
            batches_uri=(home / "batches").as_uri(),
            **others,
        )


def models_of(server: EmbeddedPostgres) -> str:
    """Return where the models of the sales in a server's databases are, before there is one."""
    return (server.folder.parent / "models-of-the-sales").as_uri()


@cache
def real_sales(server: EmbeddedPostgres) -> RealSales:
    """Load the real sales into a database of their own, and train a champion on days well before their end."""
    with administer(server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {TEMPLATE}")
    url, models = server.url(TEMPLATE), models_of(server)
    # Ending today, the data holds the last complete day also where midnight passes while the tests run.
    last_day = datetime.now(ZoneInfo(TIMEZONE)).date()
    made = RealSales(url, models, last_day, {}, None, None)  # type: ignore[arg-type]
    workspace = Workspace(made.settings(url, server.folder.parent))
    loaded = load_demonstration_data(workspace.warehouse, PROJECT / "sql", last_day)
    [(champion, trained)] = train(workspace, QUICK, through=last_day - TRAINED_BEFORE)
    workspace.close()
    make_template(server, TEMPLATE)
    return replace(made, loaded=loaded, champion=champion, trained=trained)
