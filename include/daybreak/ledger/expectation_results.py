"""Expectation results: what each expectation of a run said."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from daybreak.batch.json_rows import jsonable
from daybreak.ledger.runs import lock
from daybreak.ledger.tables import expectation_results
from daybreak.warehouse.database import Warehouse


@dataclass(frozen=True)
class ExpectationResult:
    """What one expectation said; ``level`` is row or batch, ``position`` its place in the suite, from 1."""

    position: int
    expectation: str
    level: str
    severity: str
    success: bool
    evaluated: int
    unexpected: int
    arguments: Mapping[str, Any]
    observed: Any


def record_results(warehouse: Warehouse, run_id: int, results: Sequence[ExpectationResult]) -> None:
    """Write down what a run's expectations said, in the place of what an earlier try said."""
    rows = [
        asdict(result)
        | {"run_id": run_id, "arguments": _jsonable(result.arguments), "observed": _jsonable(result.observed)}
        for result in results
    ]
    with warehouse.begin() as connection:
        lock(connection, f"expectations/{run_id}")  # of two tries at once the second one replaces what the first wrote
        connection.execute(expectation_results.delete().where(expectation_results.c.run_id == run_id))
        connection.execute(expectation_results.insert(), rows)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_jsonable(item) for item in value]
    if isinstance(value, float):
        return jsonable(value)
    return value if value is None or isinstance(value, str | int | bool) else str(value)
