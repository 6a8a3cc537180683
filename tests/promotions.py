"""The promotions system as tests use it: the real service on loopback, and chunks to send to it."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
import uvicorn
from pydantic import SecretStr

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.push.client import DeliveryTarget, PreparedChunk
from daybreak.push.keys import chunk_key, offer_id
from daybreak.push.signing import signed_headers
from loopback import loopback
from parcels import administer
from retail.promotions_system.app import create_app
from retail.promotions_system.faults import Faults
from retail.promotions_system.serving import server_config
from retail.promotions_system.settings import PromotionsSettings
from waiting import LONG

TOKEN = "token-of-the-tests-4711"
SIGNING_KEY = "signing-key-of-the-tests-0123456789"
PIPELINE, DAY = "daily_promotions", "2026-11-17"
VALID_UNTIL = "2099-01-01T05:00:00Z"
KEY, OTHER_KEY = "chunk-key-number-1", "chunk-key-number-2"
# Nothing else that a test writes has these digits.
PROBABILITY = 0.7316942058


@dataclass
class Promotions:
    """A promotions system that runs, and what it was told and sent."""

    url: str
    settings: PromotionsSettings
    faults: Faults
    trusts: Path | None = field(default=None)

    def target(self, **changes: Any) -> DeliveryTarget:
        """Describe it to a client that is quick to try again."""
        declared: dict[str, Any] = {
            "base_url": self.url,
            "path": "/v1/offers",
            "token": SecretStr(TOKEN),
            "signing_key": SecretStr(SIGNING_KEY),
            "allowed_hosts": {"127.0.0.1", "localhost"},
            "ca_file": self.trusts,
            "first_pause_seconds": 0.02,
            "longest_pause_seconds": 0.1,
            "read_seconds": LONG,
            "request_seconds": LONG,
            "deadline_seconds": LONG,
        }
        return DeliveryTarget(**{**declared, **changes})

    def post(self, body: bytes, key: str, **headers: str) -> httpx.Response:
        """Send a body as a client of another make would."""
        signed = signed_headers(SecretStr(SIGNING_KEY), int(time.time()), key, body)
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        every = {"Authorization": f"Bearer {TOKEN}", **signed, **named}
        return loopback().post(f"{self.url}/v1/offers", content=body, headers=every)

    def listing(self, day: str = DAY, **query: Any) -> dict[str, Any]:
        """Return what it lists for a day."""
        response = loopback().get(
            f"{self.url}/v1/offers",
            params={"date": day, "limit": 10_000, **query},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        listing: dict[str, Any] = response.raise_for_status().json()
        return listing

    def products(self) -> list[int]:
        """List the products of the offers that are active, one for each offer."""
        return sorted(offer["product_id"] for offer in self.listing(state="active")["offers"])

    def revisions(self) -> dict[int, int]:
        """Tell of each product that is listed by how many chunks its offer was written."""
        return {each["product_id"]: each["revision"] for each in self.listing()["offers"]}

    def execute(self, statement: str) -> Sequence[Any]:
        """Ask its database."""
        engine = sa.create_engine(self.settings.database_url.get_secret_value())
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            rows: Sequence[Any] = result.all() if result.returns_rows else []
        engine.dispose()
        return rows

    def settle(self) -> None:
        """Wait until every request that came is through, also those that nobody waits for any more."""
        while self.faults.under_way:
            time.sleep(0.01)

    def empty(self) -> None:
        """Forget every offer and every fault."""
        self.faults.plan()
        self.settle()
        self.faults.seen.clear()
        self.execute("TRUNCATE promotions_system.offers, promotions_system.chunks")

    def statuses(self) -> list[int | None]:
        """Return what it answered to each chunk, in the order of their coming; None where it took nothing in."""
        return [seen.status for seen in self.faults.seen]


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return how a request was refused: the status, and the code for programs."""
    return response.status_code, response.json()["code"]


def promotions_database(postgres: EmbeddedPostgres, name: str) -> str:
    """Make a database for a promotions system, and return its URL."""
    with administer(postgres) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return postgres.url(name)


@contextmanager
def serve(
    database_url: str, *, ssl: tuple[Path, Path] | None = None, misbehaves: bool = True, **changes: Any
) -> Iterator[Promotions]:
    """Run a promotions system in a thread, on a free port; one that may misbehave reads requests its own way."""
    settings = PromotionsSettings(
        database_url=SecretStr(database_url), token=SecretStr(TOKEN), signing_key=SecretStr(SIGNING_KEY), **changes
    )
    faults = Faults()
    certificate, key = ssl or (None, None)
    server = uvicorn.Server(
        server_config(
            settings,
            create_app(settings, faults if misbehaves else None),
            port=0,
            log_config=None,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("The promotions system does not start.")
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Promotions(f"http{'s' if ssl else ''}://127.0.0.1:{port}", settings, faults, certificate)
    finally:
        server.should_exit = True
        thread.join(LONG)
    assert not thread.is_alive(), "The promotions system does not stop."


def offer(product: int, **changes: Any) -> dict[str, Any]:
    """Make an offer of a product."""
    return {
        "offer_id": str(offer_id(PIPELINE, DAY, (product,))),
        "product_id": product,
        "probability": PROBABILITY,
        "rank": product,
        "action": "display",
        **changes,
    }


def body(offers: Sequence[dict[str, Any]], **changes: Any) -> bytes:
    """Make a chunk's body."""
    sent = {
        "pipeline": PIPELINE,
        "partition": DAY,
        "model_version": 3,
        "valid_until": VALID_UNTIL,
        "offers": list(offers),
        "withdrawn": [],
        **changes,
    }
    return json.dumps(sent).encode()


def prepared(position: int, content: bytes, model_version: int = 3) -> PreparedChunk:
    """Name a body as the pipeline would."""
    sent = json.loads(content)
    items = (*(each["offer_id"] for each in sent["offers"]), *sent["withdrawn"])
    key = chunk_key(SecretStr(SIGNING_KEY), PIPELINE, DAY, model_version, "0" * 64, position, content)
    return PreparedChunk(key, items, content)


def chunks(count: int, size: int = 5) -> list[PreparedChunk]:
    """Prepare chunks of products numbered from 1."""
    return [
        prepared(n, body([offer(product) for product in range(n * size + 1, (n + 1) * size + 1)])) for n in range(count)
    ]
