"""The environment of the local Airflow: its whole configuration, and the secrets it keeps beside its logs."""

import base64
import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.embedded.private_file import kept_private
from daybreak.local.promotions import DATABASE, HOST, LocalPromotions, airflow_connection
from daybreak.settings import Settings, environment_without

# Who may do everything, and who may only look.
USER, VIEWER = "admin", "viewer"

_LOCAL_SETTINGS = '''"""Written by Daybreak at every start; put your own policies into a plugin."""

from daybreak.local.preload import before_the_first_fork

before_the_first_fork()
'''

# Checked against Airflow's own list of options by a test, because Airflow ignores a name it does not know.
_OPTIONS = {
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
    "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin,{VIEWER}:viewer",
    # The default asks the resolver for the full name, and waits for it where there is no network.
    "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "CORE__DEFAULT_TIMEZONE": "utc",
    "CORE__MP_START_METHOD": "fork",  # what preloading stands on; Python 3.14 has another default
    "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
    # On a busy machine, parsing waits for its turn rather than failing.
    "CORE__DAGBAG_IMPORT_TIMEOUT": "120",
    "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "150",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",  # files that changed do not wait for it
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    # Tasks of an Airflow that was killed are found after a minute, not after five.
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    # A worker that misses the exit of its task by a hair notices it one heartbeat later; the default is five seconds.
    "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "WORKERS__EXECUTION_API_TIMEOUT": "30",
    # The default, ten minutes, is also how long a task may run before its token is worth nothing.
    "EXECUTION_API__JWT_EXPIRATION_TIME": "21600",
    "API__HOST": HOST,
    "LOGGING__COLORED_CONSOLE_LOG": "False",
}

# No library reports its use to anybody, and threads that wait for each other give the core away meanwhile: where two
# tasks share two cores, fitting a gradient boosting takes 0.6 s that way and up to 50 s with OpenMP's busy waiting.
_LIBRARIES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "true",
    "OMP_WAIT_POLICY": "passive",
    "TZ": "UTC",
}


def airflow_environment(settings: Settings, postgres: EmbeddedPostgres, *, schedules: bool = True) -> dict[str, str]:
    """Build the environment of Airflow's processes; an Airflow that is configured around us has no part in it.

    Without ``schedules`` nothing starts by the clock: only what is asked for, and what follows from its publications.
    What an event without a partition asks for, a training, waits until an Airflow with schedules runs.
    """
    folder = settings.home.resolve() / "airflow"
    keys = kept_private(folder / "secrets.json", _made_up)
    options = {
        **_OPTIONS,
        "CORE__DAGS_FOLDER": str(settings.checkout / "dags"),
        "CORE__PLUGINS_FOLDER": str(settings.checkout / "plugins"),
        "CORE__PARALLELISM": str(min(max(os.cpu_count() or 1, 2) + 1, 4)),
        "CORE__FERNET_KEY": keys["fernet_key"],
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_password_file(folder)),
        "CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{settings.port}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": postgres.url("airflow"),
        "API__PORT": str(settings.port),
        "API__BASE_URL": f"http://localhost:{settings.port}",
        "API__SECRET_KEY": keys["api_secret_key"],
        "API_AUTH__JWT_SECRET": keys["jwt_secret"],
        # USE_JOB_SCHEDULE would also stop the runs that a published partition starts.
        **({} if schedules else {"SCHEDULER__MAX_DAGRUNS_TO_CREATE_PER_LOOP": "0"}),
    }
    inherited = {name: value for name, value in environment_without().items() if not _configures_airflow(name)}
    direct = [inherited[name] for name in ("NO_PROXY", "no_proxy") if inherited.get(name)]
    return {
        # Where a collector is away, Airflow's exporters would hold each task's slot for twenty seconds.
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        **inherited,
        **_LIBRARIES,
        "NO_PROXY": ",".join([*direct, HOST, "localhost"]),
        "no_proxy": ",".join([*direct, HOST, "localhost"]),
        "AIRFLOW_HOME": str(folder),
        **{f"AIRFLOW__{name}": value for name, value in options.items()},
        **daybreak_environment(settings, postgres),
        **airflow_connection(settings),
    }


def daybreak_environment(settings: Settings, postgres: EmbeddedPostgres) -> dict[str, str]:
    """Write the settings as variables, so that a task has the very same ones, and the embedded databases by URL."""
    values = {**settings.model_dump(), "home": settings.home.resolve(), "project": settings.checkout.resolve()}
    for kind in ("source", "alert"):
        values |= {f"{kind}_{name}": url for name, url in values.pop(kind).items()}
    if settings.warehouse_url is None:
        values["warehouse_url"] = postgres.url("daybreak")
        values["registry_url"] = settings.registry_url or postgres.url("mlflow")
    return {
        f"DAYBREAK_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
        if value is not None
    }


def promotions_environment(promotions: LocalPromotions, postgres: EmbeddedPostgres) -> dict[str, str]:
    """Build the environment of the promotions system; it gets nothing of Airflow's or of the warehouse's."""
    around = environment_without("AIRFLOW", "_AIRFLOW", "DAYBREAK_")
    return {**around, **promotions.variables(postgres.url(DATABASE))}


def write_local_settings(home: Path) -> None:
    """Place the module that Airflow reads at the start of each of its processes."""
    file = home / "airflow" / "config" / "airflow_local_settings.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_LOCAL_SETTINGS)


def password(home: Path, user: str = USER) -> str:
    """Return the password of a user, made up at the first call; of a home from before there was one, of ``admin``."""
    known = _passwords(home.resolve() / "airflow" / "passwords.json")
    return known.get(user, known[USER])


def _configures_airflow(name: str) -> bool:
    # Connections and variables given as AIRFLOW_CONN_… and AIRFLOW_VAR_… are a person's own, and stay.
    return name.startswith(("AIRFLOW__", "_AIRFLOW_")) or name in ("AIRFLOW_HOME", "AIRFLOW_CONFIG")


def _password_file(folder: Path) -> Path:
    file = folder / "passwords.json"
    _passwords(file)  # Airflow would make one up that nobody knows
    return file


def _passwords(file: Path) -> dict[str, str]:
    return kept_private(file, lambda: {user: secrets.token_urlsafe(12) for user in (USER, VIEWER)})


def _made_up() -> dict[str, str]:
    keys = {name: secrets.token_urlsafe(64) for name in ("jwt_secret", "api_secret_key")}
    return {**keys, "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}
