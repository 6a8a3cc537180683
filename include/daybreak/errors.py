"""What can go wrong, as one small hierarchy.

DaybreakError
├── TerminalError              the same input fails again: do not retry
│   ├── ConfigurationError     a setting, a declaration or a SQL file is wrong
│   ├── PartitionRefused       not a partition that can be scored
│   │   └── SourceNotLanded    the source has nothing of it yet
│   ├── SourceRefused          the source's rows cannot be trusted: empty, missing, mistyped, short
│   ├── ExpectationsFailed     a critical batch-level expectation, or too many rows quarantined
│   ├── ModelRefused           missing, altered, of another environment, or too young for the partition
│   ├── ScoringFailed          more rows failed than the error budget allows
│   ├── PublicationRefused     the rows under the run do not add up, or there is nothing to go back to
│   ├── DeliveryRefused        the receiver will not take what was sent, or must not be talked to
│   └── UnexpectedError        nobody has foreseen it; where its traceback is
└── TransientError             the same input may succeed later: retry with backoff
    ├── WarehouseUnavailable   connection lost, server restarting, lock not had in time
    ├── SourceUnavailable      a source other than the warehouse did not answer, or changed while it was read
    ├── StorageUnavailable     a folder or a bucket did not answer
    ├── SourceAwaited          the source has not landed, and there is time yet: the run is open, and waits
    ├── EnvironmentUnavailable a model's own environment could not be installed now, or its process ended early
    ├── WorkerRefused          this worker has other code or libraries than the run was planned with
    └── DeliveryUnavailable    the receiver did not acknowledge in time
"""

from datetime import datetime
from typing import Any


def on_one_line(text: str) -> str:
    """Return a text without line breaks, and as ``storable`` does."""
    return " ".join(storable(text).split())


def storable(text: str) -> str:
    """Return a text with what a database, a terminal or a log cannot hold written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


class DaybreakError(Exception):
    """Say what happened, where, and what to do next, on one line."""

    def __init__(
        self, problem: str, *, next_step: str, pipeline: str | None = None, partition: str | None = None, **details: Any
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.next_step = next_step
        self.pipeline = pipeline
        self.partition = partition
        self.details = details
        # The ledger's number and the stage, where a run was worked on.
        self.run: int | None = None
        self.stage: str | None = None

    def located(self, pipeline: str, partition: str | None) -> "DaybreakError":
        """Fill in the pipeline and partition where the raiser did not know them."""
        self.pipeline = self.pipeline or pipeline
        self.partition = self.partition or partition
        return self

    def __str__(self) -> str:
        place = " ".join(part for part in (self.pipeline, self.partition) if part)
        text = f"{self.problem} Next: {self.next_step}"
        return on_one_line(f"{place}: {text}" if place else text)


class _Delivery:
    """What is known of a delivery that ended early."""

    details: dict[str, Any]

    @property
    def status(self) -> int | None:
        """What the receiver answered last, if it answered."""
        return self.details.get("status")

    @property
    def open_keys(self) -> tuple[str, ...]:
        """The idempotency keys of the chunks that were taken up and not acknowledged."""
        return tuple(self.details.get("open_keys", ()))

    @property
    def delivered(self) -> int:
        """How many chunks were acknowledged."""
        return int(self.details.get("delivered", 0))


class TerminalError(DaybreakError):
    """The same input fails again."""


class ConfigurationError(TerminalError):
    """A setting, a declaration or a SQL file is wrong."""


class PartitionRefused(TerminalError):
    """Not a partition that can be scored."""


class SourceNotLanded(PartitionRefused):
    """The source has nothing of the partition yet."""


class SourceRefused(TerminalError):
    """The source's rows cannot be trusted."""


class ExpectationsFailed(TerminalError):
    """A critical expectation failed, or too many rows were quarantined."""


class ModelRefused(TerminalError):
    """The model must not be used for this run."""


class ScoringFailed(TerminalError):
    """More rows failed than the error budget allows."""


class PublicationRefused(TerminalError):
    """The publication would be wrong, or there is none to go back to."""


class DeliveryRefused(_Delivery, TerminalError):
    """The receiver will not take what was sent, or must not be talked to."""


class UnexpectedError(TerminalError):
    """Nobody has foreseen it: the line says where its traceback is."""


class TransientError(DaybreakError):
    """The same input may succeed later."""


class WarehouseUnavailable(TransientError):
    """The warehouse did not answer, is restarting, or a lock was not had in time."""


class SourceUnavailable(TransientError):
    """A source other than the warehouse did not answer, or changed while it was read."""


class StorageUnavailable(TransientError):
    """A folder or a bucket did not answer."""


class SourceAwaited(TransientError):
    """The source has not landed, and there is time yet: the run is open, and waits."""

    @property
    def until(self) -> datetime:
        """When the time is over."""
        found: datetime = self.details["until"]
        return found


class EnvironmentUnavailable(TransientError):
    """A model's own environment could not be installed now, or its process did not answer in time."""


class WorkerRefused(TransientError):
    """This worker has other code or libraries than the run was planned with: images roll out one by one."""


class DeliveryUnavailable(_Delivery, TransientError):
    """The receiver did not acknowledge in time: chunks are open."""
