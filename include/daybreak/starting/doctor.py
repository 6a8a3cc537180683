"""The doctor: looks at all that Daybreak needs, changes nothing, and says what is missing and how to get it."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import OWN, ModelRef
from daybreak.errors import DaybreakError
from daybreak.models.served import is_served, shown
from daybreak.models.storage import ServerStorage
from daybreak.run.tables import describe_extract
from daybreak.settings import PROJECT
from daybreak.warehouse.database import Warehouse, with_driver
from daybreak.warehouse.faults import sqlstate
from daybreak.warehouse.identifiers import quoted
from daybreak.warehouse.migrations import pending
from daybreak.workspace import Workspace

_OLDEST_SERVER = 14
_FREE_GIGABYTES = 1
_DENIED = re.compile(r"permission denied for (\w+) (.+?)\.?$")


@dataclass(frozen=True)
class Finding:
    """What was looked at and what was found; with a next step where something is missing."""

    what: str
    found: str
    next_step: str | None = None


def examine(workspace: Workspace) -> Iterator[Finding]:
    """Look at one thing after the other; what one needs that is missing is not looked at."""
    for what, look in (
        ("python", _python),
        ("packages", _packages),
        ("disk", lambda: _disk(workspace)),
        ("warehouse", lambda: _warehouse(workspace)),
        ("registry", lambda: _registry(workspace)),
        ("sources", lambda: _sources(workspace)),
        ("batches", lambda: _storage(workspace.settings.batches)),
        ("models", lambda: _models(workspace)),
        ("environments", lambda: _environments(workspace)),
        ("push target", lambda: _push(workspace)),
    ):
        yield from _told(what, look)


def _told(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        for finding in look():
            yield Finding(what, finding.found, finding.next_step)
    except DaybreakError as error:
        yield Finding(what, error.problem, error.next_step)
    except sa.exc.DBAPIError as error:
        yield Finding(what, " ".join(str(error.orig).split()), "mend what the server complains of, and look again.")


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    missing = sys.version_info < (3, 11)
    yield Finding("", version, "install Python 3.11 or newer." if missing else None)


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in metadata.requires("daybreak") or ()]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    missing = []
    for one in wanted:
        try:
            if not one.specifier.contains(metadata.version(one.name), prereleases=True):
                missing.append(f"{one.name} {metadata.version(one.name)} is not {one.specifier}")
        except metadata.PackageNotFoundError:
            missing.append(f"{one.name} is not installed")
    advice = "install what the lock says: `pip install --require-hashes --no-deps -r requirements.txt`."
    if PROJECT is None:
        advice = "install the wheel again without `--no-deps`, and look at what pip says."
    yield Finding("", "; ".join(missing) or f"{len(wanted)} found", advice if missing else None)


def _disk(workspace: Workspace) -> Iterator[Finding]:
    home = workspace.settings.home.absolute()
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free / 1e9
    short = free < _FREE_GIGABYTES
    advice = f"free some, or name another folder in DAYBREAK_HOME: {_FREE_GIGABYTES} GB is wanted."
    yield Finding("", f"{free:.0f} GB free in {folder}", advice if short else None)


def of_server(version: int, database: str, login: str) -> Finding:
    """Say which server it is, and whether that is new enough."""
    advice = f"use PostgreSQL {_OLDEST_SERVER} or newer." if version < _OLDEST_SERVER else None
    return Finding("", f"PostgreSQL {version}, database {database}, login {login}", advice)


def _warehouse(workspace: Workspace) -> Iterator[Finding]:
    warehouse = workspace.warehouse
    with warehouse.begin() as connection:
        version = int(connection.scalar(sa.text("SHOW server_version_num")) or 0) // 10_000
        login, database, may_create = connection.exec_driver_sql(
            "SELECT current_user, current_database(), has_database_privilege(current_database(), 'CREATE')"
        ).one()
        knows = bool(connection.scalar(sa.text("SELECT to_regnamespace('ledger') IS NOT NULL")))
        enters = knows and bool(connection.scalar(sa.text("SELECT has_schema_privilege('ledger', 'USAGE')")))
    yield of_server(version, database, login)
    grant = f"GRANT CONNECT, CREATE ON DATABASE {quoted(database)} TO {quoted(login)};"
    if knows and not enters:
        yield Finding(
            "", f"{login} may not use schema ledger", "have a role of Daybreak's given to it: `daybreak roles`."
        )
    elif left := pending(warehouse):
        yield Finding("", f"{len(left)} files of sql/ledger are to be applied", "run `daybreak init`.")
        if not may_create:
            yield Finding("", f"{login} may not make schemas in {database}", f"have this run: {grant}")
    else:
        yield Finding("", "the ledger's tables are up to date")


def _registry(workspace: Workspace) -> Iterator[Finding]:
    if is_served(workspace.registry_url):
        workspace.alias_store.get(ModelRef("daybreak"))
        yield Finding("", f"the MLflow at {shown(workspace.registry_url)} answers")
        return
    url = make_url(with_driver(workspace.registry_url))
    if url.get_backend_name() != "postgresql":
        yield Finding("", f"no PostgreSQL: {url.drivername}", "name one in DAYBREAK_REGISTRY_URL.")
        return
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            yield from _registry_rights(connection)
    except sa.exc.OperationalError as error:
        reason = " ".join(str(error.orig).split())
        if "does not exist" not in reason:
            yield Finding("", reason, "see that DAYBREAK_REGISTRY_URL is right and its server is up.")
            return
        yield Finding("", f"there is no database {url.database}", "run `daybreak init`, which makes it or says how.")


def _registry_rights(connection: Connection) -> Iterator[Finding]:
    login, database, has_tables, may_create, may_write = connection.exec_driver_sql(
        "SELECT current_user, current_database(), to_regclass('registered_models') IS NOT NULL, "
        "has_schema_privilege(current_schema(), 'CREATE'), "
        "coalesce(has_table_privilege(to_regclass('registered_models'), 'INSERT'), true)"
    ).one()
    if not has_tables and not may_create:
        grant = f"GRANT CREATE ON SCHEMA public TO {quoted(login)};"
        yield Finding(
            "", f"{login} may not make MLflow's tables in {database}", f"have this run in {database}: {grant}"
        )
    elif not may_write:
        yield Finding(
            "", f"{login} may not write MLflow's tables", "have a role of Daybreak's given to it: `daybreak roles`."
        )
    else:
        yield Finding("", f"database {database}" + ("" if has_tables else ", empty until a model is registered"))


def _sources(workspace: Workspace) -> Iterator[Finding]:
    for pipeline in workspace.pipelines.values():
        yield _source(workspace, pipeline)
    for error in workspace.broken:
        yield Finding("", error.problem, error.next_step)


def _source(workspace: Workspace, pipeline: Pipeline) -> Finding:
    try:
        describe_extract(workspace, pipeline)
    except DaybreakError as error:
        cause = error.__cause__ or error
        if sqlstate(cause) == "42501" and (denied := _DENIED.search(error.problem.rstrip("."))):
            grants = " ".join(_grants(workspace.warehouse, denied[1], denied[2].strip('"')))
            return Finding("", f"{pipeline.name}: {denied[0]}", f"have this run: {grants}")
        if pipeline.upstream and sqlstate(cause) == "42P01" and "predictions." in error.problem:
            return Finding("", f"{pipeline.name}: waits for {pipeline.upstream}, which has published nothing yet")
        advice = f"load it, or mend sql/{pipeline.name}/extract.sql." if sqlstate(cause) == "42P01" else error.next_step
        return Finding("", f"{pipeline.name}: {error.problem}", advice)
    return Finding("", f"{pipeline.name}: can be read")


def _grants(warehouse: Warehouse, kind: str, name: str) -> Iterator[str]:
    with warehouse.begin() as connection:
        login = quoted(str(connection.scalar(sa.text("SELECT current_user"))))
        if kind == "schema":
            yield f"GRANT USAGE ON SCHEMA {quoted(name)} TO {login};"
            yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {quoted(name)} TO {login};"
            return
        # The server names the table without its schema.
        of = sa.text("SELECT DISTINCT relnamespace::regnamespace::text FROM pg_class WHERE relname = :name ORDER BY 1")
        for schema in connection.scalars(of, {"name": name}):
            yield f"GRANT SELECT ON {schema}.{quoted(name)} TO {login};"


def _models(workspace: Workspace) -> Iterator[Finding]:
    kept = workspace.model_storage
    if isinstance(kept, ServerStorage):
        yield Finding("", "kept by the registry's server")
        return
    yield from _storage(kept.below)


def _environments(workspace: Workspace) -> Iterator[Finding]:
    own, settings = workspace.own_environments.environments, workspace.settings
    declared = sorted({r.name for p in workspace.pipelines.values() for r in p.model_refs if r.environment == OWN})
    if settings.wheels and not settings.wheels.is_dir():
        yield Finding("", f"there is no folder {settings.wheels}", "make it, or correct DAYBREAK_WHEELS.")
    if declared and own.program is None:
        yield Finding("", f"{', '.join(declared)}: there is no uv to install it by", "install it: `pip install uv`.")
    source = f"from {settings.wheels}" if settings.wheels else "from the package index"
    told = f"; declared for {', '.join(declared)}" if declared else ""
    yield Finding("", f"{len(own.all())} of models' own in {own.folder}, installed {source}{told}")


def _storage(uri: str) -> Iterator[Finding]:
    from upath import UPath

    advice = "see that it is there and may be written to"
    try:
        folder = UPath(uri)
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".daybreak-{uuid4().hex}"
        probe.write_bytes(b"")
        probe.unlink()
        for path in made:
            path.rmdir()
    except ImportError as error:
        yield Finding(
            "", f"{uri}: {error}", f"install the package for {uri.partition(':')[0]}://, for example s3fs for s3://."
        )
    except Exception as error:  # each kind of storage has its own
        reason = " ".join(str(error).split()) or type(error).__name__
        yield Finding("", f"{uri}: {reason}", f"{advice}, or name another.")
    else:
        yield Finding("", f"{uri} can be written to")


def _push(workspace: Workspace) -> Iterator[Finding]:
    import httpx

    settings = workspace.settings
    if settings.push_url is None:
        yield Finding("", "none is set")
        return
    lacking = [name for name in ("push_token", "push_signing_key") if not getattr(settings, name)]
    if lacking:
        names = " and ".join(f"DAYBREAK_{name.upper()}" for name in lacking)
        yield Finding("", f"{names} {'is' if len(lacking) == 1 else 'are'} not set", f"set {names}.")
    try:
        verify = str(settings.push_ca_file) if settings.push_ca_file and Path(settings.push_ca_file).exists() else True
        httpx.get(settings.push_url, timeout=5, trust_env=False, verify=verify)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        yield Finding(
            "", f"{settings.push_url} does not answer ({type(error).__name__})", "see that DAYBREAK_PUSH_URL is right."
        )
    else:
        yield Finding("", f"{settings.push_url} answers")
