"""The registry's connection: what MLflow asks of its store waits no longer than what we ask of the warehouse."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL, CreateEnginePlugin, Engine, make_url

from daybreak.errors import WarehouseUnavailable
from daybreak.warehouse.database import with_driver
from daybreak.warehouse.waits import Waits, bounded_url

# MLflow makes its engines itself, from a URL: SQLAlchemy lets one name what is to be done to the engine.
_PLUGIN, _SECONDS = "daybreak_waits", "daybreak_lock_timeout_seconds"


class _Bounded(CreateEnginePlugin):
    """Bound the waits of an engine that is made from a URL which asks for it."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        self._seconds = float(str(url.query[_SECONDS]))

    def update_url(self, url: URL) -> URL:
        return url.difference_update_query([_SECONDS])

    def engine_created(self, engine: Engine) -> None:
        Waits(engine.url, self._seconds).attach(engine)


plugins.register(_PLUGIN, __name__, _Bounded.__name__)


def registry_url(url: str, lock_timeout_seconds: float) -> str:
    """Return the URL that MLflow connects by; of another database than PostgreSQL it stays as it is."""
    if not with_driver(url).startswith("postgresql"):
        return url
    bounded = bounded_url(with_driver(url)).update_query_dict({"plugin": _PLUGIN, _SECONDS: f"{lock_timeout_seconds}"})
    return bounded.render_as_string(hide_password=False)


def refuse_silence(url: str) -> None:
    """Refuse a store that does not answer: MLflow would try it again for minutes, and say so at length."""
    if not url.startswith("postgresql"):
        return
    engine = sa.create_engine(make_url(url), poolclass=sa.NullPool)
    try:
        engine.connect().close()
    except sa.exc.OperationalError as error:
        raise registry_unavailable() from error


def registry_unavailable() -> WarehouseUnavailable:
    """Say that the registry's database did not answer."""
    return WarehouseUnavailable(
        "The model registry's database did not answer.",
        next_step="it is tried again; if it lasts, check that the database is up (`daybreak local status`).",
    )
