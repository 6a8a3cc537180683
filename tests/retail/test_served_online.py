"""The same model online: `mlflow models serve`, in an environment of its own, answers as the batch has published."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from daybreak.models.version import ModelVersion
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.workspace import Workspace
from loopback import is_well, loopback
from ports import free_port
from real_sales import RealSales
from retail.demand_forecast import DEMAND_FORECAST
from waiting import LONG

Ask = Callable[..., list[tuple[Any, ...]]]
ROWS = 200


@pytest.fixture(scope="session")
def serving(sales: RealSales, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install what the model's requirements name into an environment of its own, once a session."""
    folder = tmp_path_factory.mktemp("serving") / "venv"
    requirements = folder_of(sales.champion) / "requirements.txt"
    uv = [sys.executable, "-m", "uv"]
    install = [*uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), "-r", str(requirements)]
    try:
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        subprocess.run(install, check=True, capture_output=True, text=True, timeout=LONG)
    except subprocess.TimeoutExpired:
        pytest.skip(f"mlflow was not installed within {LONG} s")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"mlflow cannot be installed here: {(error.stderr or '').strip()[:300]}")
    return folder


@pytest.fixture(scope="module")
def address(serving: Path, sales: RealSales, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the champion's folder on loopback."""
    port = free_port()
    command = [str(serving / "bin" / "mlflow"), "models", "serve", "--env-manager", "local", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--model-uri", str(folder_of(sales.champion))]
    # mlflow starts uvicorn by its name; nothing of this project is on its path.
    told = {"PATH": f"{serving / 'bin'}:{os.environ['PATH']}", "HOME": str(serving), "DO_NOT_TRACK": "true"}
    log = tmp_path_factory.mktemp("log") / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=told, stdout=output, stderr=output, start_new_session=True)
        try:
            yield wait(f"http://127.0.0.1:{port}", server, log)
        finally:
            os.killpg(server.pid, 15)
            server.wait(LONG)


def wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait until the server answers."""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline and server.poll() is None:
        if is_well(f"{url}/ping"):
            return url
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-2000:])


def folder_of(version: ModelVersion) -> Path:
    return Path(unquote(urlsplit(version.uri).path))


def test_the_served_answers_are_the_published_predictions(
    address: str, workspace: Workspace, sales: RealSales, read: Any, ask: Ask
) -> None:
    day = sales.last_day - timedelta(days=3)
    Runner(workspace, DEMAND_FORECAST).run(plan_run(workspace, DEMAND_FORECAST, Request(day.isoformat())))
    published = {
        (store, category): units
        for store, category, units in ask(
            "SELECT store_id, product_category, predicted_units FROM predictions.demand_forecast "
            "WHERE partition_date = :day",
            day=day,
        )
    }
    extracted = read("extract", day)
    rows = [row for row in extracted.to_pylist() if (row["store_id"], row["product_category"]) in published]
    rows = rows[:: len(rows) // ROWS][:ROWS]
    assert len(rows) == ROWS
    columns = sales.champion.signature.names
    data = [[None if isinstance(v := row[c], float) and math.isnan(v) else v for c in columns] for row in rows]
    answer = loopback().post(f"{address}/invocations", json={"dataframe_split": {"columns": columns, "data": data}})
    assert answer.status_code == 200, answer.text
    served = answer.json()["predictions"]
    assert served == [published[row["store_id"], row["product_category"]] for row in rows], "bit for bit"
    assert len(set(served)) > ROWS / 2
