"""The demonstration data and a champion trained quickly on it, made once a session; tests get copies of both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from daybreak.declaration.loading import load_pipelines
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.local.demonstration_data import TIMEZONE, load_demonstration_data
from daybreak.models.version import ModelVersion
from daybreak.settings import PROJECT, Settings
from daybreak.training.past import Past, held_out
from daybreak.training.train import train
from daybreak.training.trained import Trained
from daybreak.workspace import Workspace
from parcels import administer
from retail.demand_forecast import DEMAND_FORECAST
from retail.demand_forecast.training import CATEGORIES, NUMBERS, TARGET, build, measure

TEMPLATE = "real_sales"
# The pipeline's own are twelve weeks, 120 trees and four weeks held out; these are quick, and still beat the mean.
WINDOW_DAYS, TREES, HELD_OUT_WEEKS = 21, 60, 2
TRAINED_BEFORE = timedelta(days=20)
# For an Airflow that trains: the retailer's pipelines, but that the demand forecast is trained quickly. Yesterday is
# late at whatever time of day the tests run, and its sales are waited for all day.
QUICK = replace(
    DEMAND_FORECAST, training="real_sales:train_quickly", due=timedelta(minutes=1), wait=timedelta(hours=36)
)
PIPELINES = tuple(QUICK if one is DEMAND_FORECAST else one for one in load_pipelines("retail").values())


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
    with administer(server) as connection:
        # A database that somebody is connected to cannot be copied, and MLflow keeps its connections.
        connection.exec_driver_sql(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{TEMPLATE}'"
        )
    return replace(made, loaded=loaded, champion=champion, trained=trained)


def train_quickly(past: Past, progress: Callable[[str], None]) -> Trained:
    """Train as the demand forecast does, on fewer days and with fewer trees."""
    held_out_first, held_out_last = held_out(past.last_day, HELD_OUT_WEEKS)
    last = held_out_first - timedelta(days=1)
    progress("fitting")
    rows = past.rows(last - timedelta(days=WINDOW_DAYS - 1), last).to_pandas()
    unseen = past.rows(held_out_first, held_out_last).to_pandas()
    model = build().set_params(histgradientboostingregressor__max_iter=TREES)
    model.fit(rows[CATEGORIES + NUMBERS], rows[TARGET])
    mean = unseen["mean_units_28d"].clip(lower=0.5 / 28).to_numpy()
    actual = unseen[TARGET].to_numpy()
    return Trained(
        model=model,
        sample=rows[CATEGORIES + NUMBERS].head(100),
        trained_through=held_out_first,
        metrics=measure(actual, model.predict(unseen[CATEGORIES + NUMBERS])),
        baseline=measure(actual, mean),
    )
