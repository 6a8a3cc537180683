"""Measure the push, side by side with a bare loop over httpx: `python tests/benchmarks/pushing.py`.

Both send the same chunks to the same promotions system on loopback, with as many requests in flight, in turns.
"""

import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx
import sqlalchemy as sa
import typer

from daybreak.cli.display import err, out, print_json, print_table
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import PROJECT
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.migrations import migrate

WAYS = Path(__file__).with_name("pushing_ways.py")
WANTED_SPEED, WANTED_MEMORY = 0.8, 1.1
MIB = 1 << 20


def measure_pushing(folder: Path, items: int, repeats: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Push and post ``items`` items in turns, and a tenth of them for the memory; everything is below ``folder``."""
    server = EmbeddedPostgres(folder / "home").use()
    try:
        with _receiver(server, folder / "receiver.log") as asked:
            warehouse = Warehouse(server.url())
            migrate(warehouse, PROJECT / "sql")
            measured = []
            for turn in range(1, repeats + 1):
                ways = [("pushed", items), ("bare", items), ("pushed", items // 10)]
                random.shuffle(ways)
                for way, size in ways:
                    _empty(warehouse, server)
                    measured.append({"turn": turn, "way": way, "items": size, **_run(way, {**asked, "items": size})})
                    say(f"turn {turn}: {size:,} items, {way}: {measured[-1]['wall']:.2f} s")
            warehouse.close()
    finally:
        server.stop()
        server.release()
    return {"measured": measured, "relations": _relations(measured, items)}


def show_pushing(report: dict[str, Any]) -> None:
    """Print what was measured as tables."""
    print_table(
        "Pushing to the promotions system on loopback",
        ["items", "way", "turn", "items/s", "wall s", "peak MiB"],
        [
            [m["items"], m["way"], m["turn"], round(m["items"] / m["wall"]), m["wall"], m["peak_bytes"] // MIB]
            for m in report["measured"]
        ],
    )
    print_table(
        "In relation",
        ["what", "measured", "lowest", "highest", "wanted"],
        [[r["what"], r["value"], r["lowest"], r["highest"], r["wanted"]] for r in report["relations"]],
    )


def _relations(measured: list[dict[str, Any]], items: int) -> list[dict[str, Any]]:
    by = {(m["turn"], m["way"], m["items"]): m for m in measured}
    turns = sorted({m["turn"] for m in measured})
    speed = [by[turn, "bare", items]["wall"] / by[turn, "pushed", items]["wall"] for turn in turns]
    memory = [by[t, "pushed", items]["peak_bytes"] / by[t, "pushed", items // 10]["peak_bytes"] for t in turns]
    return [
        _relation(f"pushed / bare loop, items per second of {items:,}", speed, f"at least {WANTED_SPEED}"),
        _relation(f"peak memory of {items:,} items / of {items // 10:,}", memory, f"at most {WANTED_MEMORY}"),
    ]


def _relation(what: str, values: list[float], wanted: str) -> dict[str, Any]:
    return {"what": what, "value": median(values), "lowest": min(values), "highest": max(values), "wanted": wanted}


def _run(way: str, asked: dict[str, Any]) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, str(WAYS), way], input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@contextmanager
def _receiver(server: EmbeddedPostgres, log: Path) -> Iterator[dict[str, Any]]:
    """Run the promotions system in a process of its own; yield what the ways must know of it."""
    with _administering(server) as connection:
        if connection.exec_driver_sql("SELECT 1 FROM pg_database WHERE datname = 'promotions'").scalar() is None:
            connection.exec_driver_sql("CREATE DATABASE promotions")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, signing_key = secrets.token_hex(24), secrets.token_hex(32)
    variables = {
        "PROMOTIONS_DATABASE_URL": server.url("promotions"),
        "PROMOTIONS_TOKEN": token,
        "PROMOTIONS_SIGNING_KEY": signing_key,
        "PROMOTIONS_PORT": str(port),
    }
    command = [sys.executable, "-m", "retail.promotions_system"]
    with log.open("w") as file:
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=file, stderr=file)
    address = f"http://127.0.0.1:{port}"
    try:
        while not _well(address):
            if process.poll() is not None:
                raise RuntimeError(f"The promotions system does not start, see {log}.")
            time.sleep(0.1)
        yield {"warehouse": server.url(), "receiver": address, "token": token, "signing_key": signing_key}
    finally:
        process.terminate()
        process.wait(30)


def _well(address: str) -> bool:
    try:
        return httpx.get(f"{address}/v1/health", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _empty(warehouse: Warehouse, server: EmbeddedPostgres) -> None:
    """Forget what was pushed, and write everything out, so that no measurement pays for another."""
    with warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ledger.runs CASCADE")
    engine = sa.create_engine(server.url("promotions"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("TRUNCATE promotions_system.offers, promotions_system.chunks")
        connection.exec_driver_sql("CHECKPOINT")


@contextmanager
def _administering(server: EmbeddedPostgres) -> Iterator[sa.Connection]:
    engine = sa.create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


def main(
    items: Annotated[int, typer.Option(min=10, help="How many items are pushed.")] = 100_000,
    repeats: Annotated[int, typer.Option(min=1, help="How often everything is measured, in turns.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Measure the push, side by side with a bare loop over httpx."""
    with TemporaryDirectory(prefix="daybreak-bench-") as folder:
        report = measure_pushing(Path(folder), items, repeats, lambda text: err.print(f"  {text}"))
    if as_json:
        print_json(report)
    else:
        show_pushing(report)
        out.print("Both sent the same chunks, and the promotions system accepted every item.")


if __name__ == "__main__":
    typer.run(main)
