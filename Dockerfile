# Two images from one file: `airflow` has Airflow, the pipelines and the `daybreak` command; `mlflow` has MLflow's
# server. Full MLflow and Airflow do not fit into one environment. docker-compose.yaml builds and runs both.

FROM python:3.11.14-slim-trixie AS base

ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    DO_NOT_TRACK=true \
    MLFLOW_DISABLE_TELEMETRY=true \
    GX_ANALYTICS_ENABLED=false \
    GIT_PYTHON_REFRESH=quiet \
    MPLCONFIGDIR=/tmp/matplotlib

# The folders that volumes are mounted on: a new volume takes over the owner from the image, and both images must agree
# on who that is.
RUN useradd --uid 50000 --create-home --shell /bin/bash daybreak \
    && install --directory --owner=daybreak --group=daybreak \
        /var/lib/daybreak /var/lib/daybreak/batches /var/lib/daybreak/models /var/lib/daybreak/logs \
        /var/lib/daybreak/certificates /var/lib/daybreak/cache /opt/airflow

WORKDIR /opt/daybreak


FROM base AS mlflow

# Server and client write the same tables, so the server's lock has the version that the other one has for the client.
COPY requirements-mlflow.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --require-hashes --requirement requirements-mlflow.txt \
    && pip check

USER daybreak
CMD ["mlflow", "server", "--help"]


FROM base AS airflow

# scikit-learn computes in parallel through OpenMP; the promotions system makes its certificate with openssl.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 openssl \
    && rm -rf /var/lib/apt/lists/*

# The lock is complete and has the hash of every file, so nothing is resolved here; `pip check` holds it to that.
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --require-hashes --requirement requirements.txt \
    && pip check

# Last, because it changes most. Installed in place: the settings find dags/, plugins/ and sql/ beside include/.
COPY pyproject.toml README.md LICENSE ./
COPY include ./include
COPY plugins ./plugins
COPY sql ./sql
COPY dags ./dags
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --no-build-isolation --editable . \
    && python -m compileall -q include plugins

# OpenMP: threads that wait for each other give the core away meanwhile, for the tasks beside them. With its usual busy
# waiting, fitting a model beside other work on two cores took 183 s instead of 35.
ENV DAYBREAK_HOME=/var/lib/daybreak \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/daybreak/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/daybreak/plugins \
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=/tmp/passwords.json \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/lib/daybreak/logs \
    OMP_WAIT_POLICY=passive

# The scheduler imports the heavy libraries once, so that its tasks need not. Without a file of configuration Airflow
# would write one, secrets and all; the root file system is read-only.
RUN touch /opt/airflow/airflow.cfg \
    && python -c "from pathlib import Path; \
    from daybreak.local.airflow_environment import write_local_settings; \
    write_local_settings(Path('/opt'))"

USER daybreak
CMD ["daybreak", "--help"]
