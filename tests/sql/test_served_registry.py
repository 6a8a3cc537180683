"""A registry behind a real MLflow server: trained, registered, run, moved, adopted through its API."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import skops.io
from pydantic import SecretStr

from command_line import commands
from daybreak.errors import ConfigurationError, DaybreakError, ModelRefused, WarehouseUnavailable
from daybreak.models.aliases import Decision
from daybreak.models.served import STORAGE, ServedAliases
from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS
from loopback import is_well
from models import fitted
from parcels import DAY, TRAINED_THROUGH, Parcels
from ports import free_port
from waiting import until

MODEL = PARCEL_HOURS.single_ref
LOCK = PROJECT / "requirements-mlflow.txt"


class Server:
    """MLflow's own server, in an environment of its own as its image has one; it knows one login."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder, self._program = folder, program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command: list[str | Path] = [self._program, "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self._folder / 'store.db'}", "--workers", "1"]
        command += ["--serve-artifacts", "--artifacts-destination", self._folder / "artifacts"]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            command, cwd=self._folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        until(lambda: is_well(f"{self.url}/health"), "MLflow's server to answer")

    def forget(self) -> None:
        """Delete every registered model."""
        from mlflow import MlflowClient

        client = MlflowClient(self.url, self.url)
        for model in client.search_registered_models():
            client.delete_registered_model(model.name)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, 9)
            self._process.wait()


@pytest.fixture(scope="module")
def program() -> Path:
    """Install MLflow's server by the lock of its image, once for all; skip where it cannot be had."""
    folder = PROJECT / ".mlflow-server"
    uv, done = Path(sys.executable).with_name("uv"), folder / ".installed"
    if not done.exists():
        made = subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=False)
        install = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", LOCK]
        if made.returncode or subprocess.run([*install, "--python", folder / "bin/python"], check=False).returncode:
            pytest.skip("needs MLflow's server, and what requirements-mlflow.txt names cannot be installed here")
        done.touch()
    return folder / "bin/mlflow"


@pytest.fixture(scope="module")
def mlflow(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(program, tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def served(settings: Settings, mlflow: Server) -> Iterator[Parcels]:
    """The parcels, with an empty registry behind the server, which keeps the artifacts."""
    mlflow.forget()
    workspace = Workspace(at(settings, mlflow.url))
    parcels = Parcels(workspace)
    # What the ledger of the copy holds is of another registry, whose versions have the same numbers.
    parcels.execute("DELETE FROM ledger.trusted_versions", "DELETE FROM ledger.alias_history")
    yield parcels
    workspace.close()


def at(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"registry_url": SecretStr(url), "models_uri": None})


def test_a_models_life_is_led_through_the_servers_api(
    served: Parcels, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daybreak = commands(monkeypatch, capsys, served.workspace.settings)
    code, out, err = daybreak("train", "parcel_hours", "--through", "2024-03-08")
    assert code == 0, err
    assert "parcel_hours version 1" in out
    assert "It is the champion now" in out
    version = served.workspace.registry.resolve(MODEL)
    assert version.uri.startswith(f"{STORAGE}/")
    assert not list(served.workspace.settings.home.glob("models"))
    assert not list(Path.cwd().glob("mlflow-artifacts*"))
    assert served.run().publication is not None
    assert [name for name, _ in version.signature.columns] == ["zone", "weight_kg", "distance_km", "pieces"]

    code, _, err = daybreak("train", "parcel_hours", "--through", "2024-03-08")
    assert code == 0, err
    assert served.workspace.registry.resolve(MODEL, 2).digest == version.digest
    served.workspace.aliases(MODEL).move(2, Decision("test"))
    assert served.workspace.registry.resolve(MODEL).version == 2
    code, out, err = daybreak("demote", "parcel_hours")
    assert code == 0, err
    assert "version 1 is the champion again" in out
    code, out, err = daybreak("history", "parcel_hours")
    assert code == 0, err
    assert "taken back" in out
    code, out, err = daybreak("models", "parcel_hours", "--json")
    assert code == 0, err
    assert out.count('"lacks": null') == 2


def test_of_two_who_move_an_alias_at_once_the_second_is_told(served: Parcels) -> None:
    for _ in range(2):
        served.workspace.registry.register(MODEL.name, *fitted(served), trained_through=TRAINED_THROUGH)
    served.promote(1)
    served.workspace.aliases(MODEL).move(2, Decision("the first"), expected=1)
    with pytest.raises(ModelRefused, match=r"champion is version 2 by now, it was 1 when this was decided"):
        served.workspace.aliases(MODEL).move(1, Decision("the second"), expected=1)
    assert served.workspace.aliases(MODEL).current() == 2
    with pytest.raises(ModelRefused, match="has no version 77"):
        served.promote(77)
    served.workspace.aliases(MODEL).remove(Decision("test"))
    assert served.workspace.aliases(MODEL).current() is None
    with pytest.raises(ModelRefused, match="has no alias 'champion'"):
        served.workspace.registry.resolve(MODEL)


def test_what_others_logged_by_mlflow_is_listed_adopted_and_used(
    served: Parcels, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import mlflow
    from mlflow.models import infer_signature

    model, sample = fitted(served)
    url = served.workspace.registry_url
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=MODEL.name,
            signature=infer_signature(sample, model.predict(sample)),
            skops_trusted_types=skops.io.get_untrusted_types(data=skops.io.dumps(model)),
            pip_requirements=["scikit-learn"],
        )
    daybreak = commands(monkeypatch, capsys, served.workspace.settings)
    [listed] = served.workspace.registry.listed(MODEL.name)
    assert listed.lacks is not None
    code, out, err = daybreak("adopt", "parcel_hours", "--version", 1, "--trained-through", TRAINED_THROUGH)
    assert code == 0, err
    served.promote(1)
    assert served.run().publication is not None
    assert served.last_run()["model_version"] == 1

    code, out, err = daybreak(
        "register",
        "parcel_hours",
        *("--from", "models:/parcel_hours/1", "--trained-through", TRAINED_THROUGH, "--sample-from-extract"),
    )
    assert code == 0, err
    assert "parcel_hours version 2" in out


def test_a_planned_run_finishes_without_the_server_and_a_new_one_is_tried_again(
    served: Parcels, mlflow: Server
) -> None:
    served.register(*fitted(served))
    plan = served.plan()
    # The last that needs the server: it takes half a minute to start.
    mlflow.stop()
    assert served.runner.run(plan).publication is not None
    with pytest.raises(WarehouseUnavailable, match=r"The MLflow at http://127.0.0.1:\d+ did not answer"):
        served.plan("2024-03-11")
    with pytest.raises(WarehouseUnavailable, match="did not answer"):
        served.promote(1)


@contextmanager
def answers(status: int, body: str) -> Iterator[str]:
    """Answer everything the same, as a proxy does, or a server that refuses the login."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://somebody:secret@127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "kind", "problem", "next_step"),
    [
        (401, "You are not authenticated.", ConfigurationError, "does not know the login", "MLFLOW_TRACKING_USERNAME"),
        (403, "Permission denied", ConfigurationError, "does not allow that to the login", "MLFLOW_TRACKING_TOKEN"),
        (404, "<html>nothing here</html>", ConfigurationError, "There is no MLflow at", "DAYBREAK_REGISTRY_URL"),
        (200, "<html>log in first</html>", ConfigurationError, "There is no MLflow at", "DAYBREAK_REGISTRY_URL"),
        (503, "", WarehouseUnavailable, "did not answer", "tried again"),
    ],
)
def test_a_server_that_refuses_is_told_apart_from_a_model_that_is_not_there(
    settings: Settings, status: int, body: str, kind: type[DaybreakError], problem: str, next_step: str
) -> None:
    with answers(status, body) as url:
        workspace = Workspace(at(settings, url))
        parcels = Parcels(workspace)
        for asked in (
            lambda: parcels.plan(DAY),
            lambda: workspace.registry.listed(MODEL.name),
            lambda: ServedAliases(url).get(MODEL),
            lambda: ServedAliases(url).set(MODEL, 1),
            lambda: ServedAliases(url).remove(MODEL),
        ):
            with pytest.raises(kind) as caught:
                asked()
            assert problem in caught.value.problem
            assert "secret" not in str(caught.value)
            assert next_step in caught.value.next_step
        workspace.close()
