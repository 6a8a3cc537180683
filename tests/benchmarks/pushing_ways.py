"""Two ways to send the same chunks, each in a process of its own: `python pushing_ways.py WAY`, told in JSON.

pushed: Daybreak's push, with its receipts, its listing and its withdrawals. bare: the same bodies, posted by a loop
over httpx with the same number of requests in flight, and nothing else. Everything is imported and a few items were
sent before the clock starts. One line of JSON on standard output says what it took.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from pydantic import SecretStr

from daybreak.batch.signature import Signature
from daybreak.declaration.partition import Partition, day_calendar
from daybreak.ledger.tables import runs
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion
from daybreak.push.delivering import Pusher
from daybreak.push.signing import signed_headers
from daybreak.push.target import DeliveryTarget
from daybreak.run.plan import Plan
from daybreak.warehouse.database import Warehouse
from retail.daily_promotions import DAILY_PROMOTIONS
from retail.daily_promotions.offers import Decided

WARM_UP_ITEMS = 500
Chunk = tuple[str, bytes]


@dataclass(frozen=True)
class Asked:
    """What is to be sent, where from and where to."""

    warehouse: str
    receiver: str
    token: str
    signing_key: str
    items: int

    @property
    def target(self) -> DeliveryTarget:
        """The promotions system; all else as the settings' receiver has it."""
        return DeliveryTarget(
            base_url=self.receiver,
            path="/v1/offers",
            token=SecretStr(self.token),
            signing_key=SecretStr(self.signing_key),
            allowed_hosts=("127.0.0.1",),
        )


def pushed(asked: Asked) -> dict[str, Any]:
    """Push with Daybreak."""
    assert DAILY_PROMOTIONS.push is not None
    warehouse = Warehouse(asked.warehouse)
    wall = 0.0
    for days, items in ((2, WARM_UP_ITEMS), (1, asked.items)):
        plan = _plan(warehouse, days)
        offers = _offers(plan, items)
        started = time.perf_counter()
        done = Pusher(warehouse, plan, DAILY_PROMOTIONS.push, asked.target).push("0" * 64, offers)
        wall = time.perf_counter() - started
        assert (done.offers, done.sent, done.rejected) == (items, items, 0)
    warehouse.close()
    return {"wall": wall}


def bare(asked: Asked) -> dict[str, Any]:
    """Post the same bodies with httpx; they are made beforehand, and only signed while the clock runs."""
    wall = 0.0
    for days, items in ((2, WARM_UP_ITEMS), (1, asked.items)):
        chunks = list(_chunks(days, items))
        started = time.perf_counter()
        accepted = asyncio.run(_post(asked, chunks))
        wall = time.perf_counter() - started
        assert accepted == items
    return {"wall": wall}


async def _post(asked: Asked, chunks: list[Chunk]) -> int:
    target, left = asked.target, iter(chunks)
    headers = {"Authorization": f"Bearer {asked.token}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:

        async def work() -> int:
            accepted = 0
            for key, body in left:
                signed = signed_headers(target.signing_key, int(time.time()), key, body)
                answer = (await http.post(target.url, content=body, headers=signed)).raise_for_status()
                accepted += sum(each["status"] == "accepted" for each in answer.json()["results"])
            return accepted

        return sum(await asyncio.gather(*(work() for _ in range(target.max_in_flight))))


def _chunks(days: int, items: int) -> Iterator[Chunk]:
    assert DAILY_PROMOTIONS.push is not None
    plan = Plan(0, DAILY_PROMOTIONS.name, _partition(days), SegmentModels.of(_MODEL))
    every, size = list(_offers(plan, items)), DAILY_PROMOTIONS.push.chunk_items
    for start in range(0, len(every), size):
        document = {
            "pipeline": plan.pipeline,
            "partition": plan.partition.key,
            "model_version": plan.single_model.version,
            "valid_until": (plan.partition.end + DAILY_PROMOTIONS.push.valid_for).isoformat(),
            "offers": every[start : start + size],
            "withdrawn": [],
        }
        body = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
        yield f"bare-{plan.partition.key}-{start:012}", body


def _offers(plan: Plan, items: int) -> Decided:
    chance = np.random.default_rng(20261117)
    return Decided(
        plan,
        np.arange(1, items + 1, dtype=np.int64),
        np.sort(chance.random(items))[::-1],
        chance.integers(0, 3, items).astype(np.int8),
    )


def _partition(days: int) -> Partition:
    return day_calendar("UTC").partition((datetime.now(UTC).date() - timedelta(days=days)).isoformat())


def _plan(warehouse: Warehouse, days: int) -> Plan:
    """Open a run in the ledger, since receipts belong to one."""
    partition = _partition(days)
    opened = runs.insert().values(
        pipeline=DAILY_PROMOTIONS.name, partition_key=partition.key, attempt=1, trigger="benchmark"
    )
    with warehouse.begin() as connection:
        run_id: int = connection.execute(opened.returning(runs.c.run_id)).scalar_one()
    return Plan(run_id, DAILY_PROMOTIONS.name, partition, SegmentModels.of(_MODEL))


_MODEL = ModelVersion(
    name=DAILY_PROMOTIONS.name,
    version=1,
    uri="",
    digest="",
    trained_through=date(2026, 1, 1),
    libraries={},
    signature=Signature(()),
    metrics={},
)


def _peak_bytes() -> int:
    # Not the peak that getrusage() knows: it begins with that of the process that started this one.
    with Path("/proc/self/status").open() as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


if __name__ == "__main__":
    way, asked = {"pushed": pushed, "bare": bare}[sys.argv[1]], Asked(**json.load(sys.stdin))
    measured = way(asked)
    print(json.dumps({**measured, "peak_bytes": _peak_bytes()}))
