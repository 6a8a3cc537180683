"""The promotions system in a process of its own, as the pipeline meets it: told to misbehave, killed, started again."""

import os
import signal
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from ports import free_port
from promotions import SIGNING_KEY, TOKEN, Promotions
from retail.promotions_system.faults import Fault, Seen
from retail.promotions_system.settings import PromotionsSettings
from waiting import LONG

_forks = get_context("forkserver")


class Receiver(Promotions):
    """A promotions system in a process; ``faults`` are planned, and what was posted is asked for, over HTTP.

    Handed to another process it is the same one there, which can be asked and told, but not started or killed.
    """

    def __init__(self, database_url: str, output: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.output = output
        settings = PromotionsSettings(
            database_url=SecretStr(database_url),
            token=SecretStr(TOKEN),
            signing_key=SecretStr(SIGNING_KEY),
            port=self.port,
            allow_faults=True,
        )
        super().__init__(f"http://127.0.0.1:{self.port}", settings, RemoteFaults(self))  # type: ignore[arg-type]
        self._http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=LONG
        )
        self._process: BaseProcess | None = None

    def __reduce__(self) -> tuple[type["Receiver"], tuple[str, Path, int]]:
        """Say how another process makes it."""
        return Receiver, (self.settings.database_url.get_secret_value(), self.output, self.port)

    def start(self) -> "Receiver":
        """Start it and wait until it answers."""
        self._process = _forks.Process(target=_serve, args=(self.settings, self.output), daemon=True)
        self._process.start()
        while not self.well():
            assert self._process.is_alive(), f"The promotions system does not start, see {self.output}."
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """Kill it, whatever it is doing."""
        assert self._process is not None
        os.kill(self._process.pid or 0, signal.SIGKILL)
        self._process.join(LONG)

    def well(self) -> bool:
        """Tell whether it takes offers."""
        try:
            return self._http.get("/v1/health").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """Ask it with the token; a connection that an earlier process held is no obstacle."""
        for _ in range(3):
            try:
                return self._http.request(method, path, **request).raise_for_status().json()
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("The promotions system does not answer.")

    def listing(self, day: Any, **query: Any) -> dict[str, Any]:
        """Return what it lists for a day."""
        listing: dict[str, Any] = self.ask("GET", "/v1/offers", params={"date": str(day), "limit": 10_000, **query})
        return listing

    def requests(self) -> int:
        """Count all requests for offers, of whichever kind, by its own log."""
        return self.output.read_text().count("/v1/offers")

    def empty(self) -> None:
        """Forget every offer and every fault, also of requests whose sender is gone."""
        self.faults.plan()
        self.settle()
        self.faults.forget()  # type: ignore[attr-defined]
        self.execute("TRUNCATE promotions_system.offers, promotions_system.chunks")


class RemoteFaults:
    """The faults of a promotions system in another process."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def plan(self, *faults: Fault) -> None:
        """Replace the faults to come."""
        self._receiver.ask("PUT", "/v1/faults", json=[fault.model_dump() for fault in faults])

    def coming(self) -> Sequence[dict[str, Any]]:
        """List the faults to come."""
        coming: Sequence[dict[str, Any]] = self._receiver.ask("GET", "/v1/faults")["coming"]
        return coming

    @property
    def under_way(self) -> int:
        """How many chunks are being treated."""
        under_way: int = self._receiver.ask("GET", "/v1/faults")["under_way"]
        return under_way

    @property
    def seen(self) -> list[Seen]:
        """The chunks that were posted since they were forgotten last, or the process was started."""
        return [Seen(**each) for each in self._receiver.ask("GET", "/v1/faults")["seen"]]

    def forget(self) -> None:
        """Forget the chunks that were posted."""
        self._receiver.ask("DELETE", "/v1/faults")


def _serve(settings: PromotionsSettings, output: Path) -> None:
    import uvicorn

    from retail.promotions_system.app import create_app

    with output.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_level="info", access_log=True)
