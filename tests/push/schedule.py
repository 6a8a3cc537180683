"""One schedule of faults: what happens to the pushes of one partition, drawn by a seed, and what must come of it."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from daybreak.batch.signature import Signature
from daybreak.declaration.pipeline import Push
from daybreak.errors import DeliveryRefused, DeliveryUnavailable, WarehouseUnavailable
from daybreak.ledger.tables import runs
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion
from daybreak.push.delivering import Pusher
from daybreak.push.keys import offer_id
from daybreak.push.target import DeliveryTarget
from daybreak.run.plan import Plan
from daybreak.warehouse.database import Warehouse
from local_days import local_day
from retail.promotions_system.faults import Fault
from waiting import LONG

from .mortal import Death, die
from .receiver import Receiver

PUSH = Push(connection="promotions", offers="", scores="", chunk_items=3)
PIPELINE = "shelf_offers"
FIRST_DAY = date(2031, 1, 1)
FAULTS = (
    Fault(kind="cut_before"),
    Fault(kind="cut_before", times=2),
    Fault(kind="cut_after"),
    Fault(kind="cut_after", times=3),
    Fault(kind="answer", status=500),
    Fault(kind="answer", status=503, times=2),
    Fault(kind="answer", status=429, retry_after=0),
    Fault(kind="answer", status=429, times=2),
    Fault(kind="answer", status=400),
    Fault(kind="garble"),
    Fault(kind="delay", seconds=0.02),
    Fault(kind="none"),
    Fault(kind="none", times=2),
)
DEATHS = (
    "Deliveries.generation",
    "Deliveries.open",
    "signed_headers",
    "signed_headers",
    "judge_answer",
    "judge_answer",
    "Deliveries.acknowledge",
    "active_offers",
    "Deliveries.close_withdrawals",
)
# A step, and how often it is drawn.
STEPS = {"push": 4, "die": 5, "twice": 3, "correct": 3, "new version": 1}


@dataclass(frozen=True)
class Content:
    """What is to stand in the end: a model version and the probability of each product."""

    version: int
    probabilities: dict[int, float]

    def offers(self, plan: Plan) -> list[dict[str, Any]]:
        """Return the offers, the most probable first."""
        best = sorted(self.probabilities.items(), key=lambda pair: (-pair[1], pair[0]))
        return [
            {
                "offer_id": str(offer_id(plan.pipeline, plan.partition.key, [product])),
                "product_id": product,
                "probability": probability,
                "rank": rank,
                "action": "display",
            }
            for rank, (product, probability) in enumerate(best, start=1)
        ]


def play(seeds: Iterable[int], warehouse_url: str, receiver: Receiver, *, restart: bool = False) -> None:
    """Play the schedules of these seeds; what goes wrong in one of them tells what happened in it."""
    warehouse = Warehouse(warehouse_url)
    for seed in seeds:
        schedule = Schedule(seed, warehouse, receiver, restart)
        try:
            schedule.play()
        except BaseException as error:
            error.add_note(f"schedule {seed}: {'; '.join(schedule.told)}")
            raise
    warehouse.close()


@dataclass
class Schedule:
    """Play a schedule on a partition of its own."""

    seed: int
    warehouse: Warehouse
    receiver: Receiver
    restart: bool = False
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Draw the first content."""
        self.chance = Random(self.seed)
        self.day = FIRST_DAY + timedelta(days=self.seed)
        self.content = Content(1, self._drawn(self.chance.randint(1, 12)))
        self.contents = 1

    def play(self) -> None:
        """Do a few steps with faults among them, then one push without; hold what must have come of it."""
        for _ in range(self.chance.randint(1, 4)):
            (step,) = self.chance.choices(list(STEPS), list(STEPS.values()))
            self.receiver.faults.plan(*self.chance.choices(FAULTS, k=self.chance.randint(0, 5)))
            self.told.append(f"{step}, {len(self.content.probabilities)} offers by version {self.content.version}")
            {
                "push": lambda: self._push(self._plan()),
                "die": self._die,
                "twice": self._twice,
                "correct": self._correct,
                "new version": self._new_version,
            }[step]()
            self._hold_so_far()
        if self.restart:
            self.receiver.faults.plan(Fault(kind="cut_after", times=2))
            self._push(self._plan())
            self.receiver.kill()
            self._push(self._plan(), deadline_seconds=0.2)
            self.receiver.start()
        self.receiver.faults.plan()
        self._push(self._plan(), must=True, deadline_seconds=LONG)
        self._hold_all()

    def _push(self, plan: Plan, *, must: bool = False, deadline_seconds: float = 2) -> None:
        pusher = Pusher(self.warehouse, plan, PUSH, self._target(deadline_seconds))
        try:
            pusher.push("0" * 64, self.content.offers(plan))
        except (DeliveryRefused, DeliveryUnavailable):
            if must:
                raise

    def _die(self) -> None:
        death = Death(self.chance.choice(DEATHS), self.chance.randint(1, 5))
        plan = self._plan()
        self._wait_for(self._forked(lambda: self._push(plan), death))
        if self.chance.random() < 0.5:  # the task is tried again
            self._push(plan)

    def _twice(self) -> None:
        plans = [self._plan(), self._plan()]
        deaths = [None, Death(self.chance.choice(DEATHS), self.chance.randint(1, 5))]
        children = [
            self._forked(lambda plan=plan: self._push(plan), death)  # type: ignore[misc]
            for plan, death in zip(plans, self.chance.sample(deaths, 2), strict=True)
        ]
        for child in children:
            self._wait_for(child)

    def _correct(self) -> None:
        kept = {p: v for p, v in self.content.probabilities.items() if self.chance.random() < 0.7}
        self.content = Content(self.content.version, kept | self._drawn(self.chance.randint(0, 4)))
        self.contents += 1
        self._push(self._plan())

    def _new_version(self) -> None:
        self.content = replace(self.content, version=self.content.version + 1)
        self.contents += 1
        self._push(self._plan())

    def _hold_so_far(self) -> None:
        offers = self.receiver.listing(self.day)["offers"]
        products = [offer["product_id"] for offer in offers]
        assert len(set(products)) == len(products), "an offer is doubled"
        assert all(offer["revision"] <= self.contents for offer in offers), "a chunk was taken in twice"
        assert {offer["model_version"] for offer in offers} <= set(range(1, self.content.version + 1))

    def _hold_all(self) -> None:
        wanted = {
            o["product_id"]: (o["probability"], o["rank"], self.content.version)
            for o in self.content.offers(self._plan())
        }
        listed = self.receiver.listing(self.day, state="active")["offers"]
        found = {o["product_id"]: (o["probability"], o["rank"], o["model_version"]) for o in listed}
        assert len(found) == len(listed), "an offer is doubled"
        assert wanted.keys() - found.keys() == set(), "offers are lost"
        assert found.keys() - wanted.keys() == set(), "offers were not withdrawn"
        assert found == wanted
        if self.contents == 1:
            assert {offer["revision"] for offer in listed} <= {1}, "a chunk was taken in twice"
        with self.warehouse.begin() as connection:
            states = connection.exec_driver_sql(
                "SELECT count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE model_version > %s) "
                "FROM ledger.deliveries WHERE partition_date = %s",
                (self.content.version, self.day),
            ).one()
        assert tuple(states) == (0, 0)

    def _plan(self) -> Plan:
        """Open a run, since receipts belong to one."""
        partition = local_day(self.day, "UTC")
        opened = runs.insert().values(pipeline=PIPELINE, partition_key=partition.key, attempt=0, trigger="test")
        with self.warehouse.begin() as connection:
            count = connection.exec_driver_sql("SELECT count(*) FROM ledger.runs").scalar_one()
            run_id = connection.execute(opened.values(attempt=count).returning(runs.c.run_id)).scalar_one()
        model = ModelVersion(
            name=PIPELINE,
            version=self.content.version,
            uri="",
            digest="",
            trained_through=FIRST_DAY,
            libraries={},
            signature=Signature(()),
            metrics={},
        )
        return Plan(run_id, PIPELINE, partition, SegmentModels.of(model))

    def _target(self, deadline_seconds: float) -> DeliveryTarget:
        return self.receiver.target(
            first_pause_seconds=0.005,
            longest_pause_seconds=0.02,
            deadline_seconds=deadline_seconds,
            open_circuit_after=8,
            max_in_flight=self.chance.randint(1, 3),
        )

    def _drawn(self, many: int) -> dict[int, float]:
        return {self.chance.randint(1, 40): self.chance.random() for _ in range(many)}

    def _forked(self, body: Callable[[], None], death: Death | None) -> int:
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            # The parent's connections are the parent's.
            self.warehouse = Warehouse(self.warehouse.url.render_as_string(hide_password=False))
            if death:
                die(death)
            body()
            status = 0
        except WarehouseUnavailable:
            status = 0
        finally:
            os._exit(status)

    def _wait_for(self, child: int) -> None:
        ends = time.monotonic() + LONG
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > ends:
                os.kill(child, signal.SIGKILL)
                raise AssertionError("a push does not end")
            time.sleep(0.002)
