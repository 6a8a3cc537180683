"""Row rules: a pipeline's expectation suite said column by column, for those that suit most tables."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation


Bound = float | Decimal | date | str | None


@dataclass(frozen=True, kw_only=True)
class RowRules:
    """What each row must fulfil; called, it builds the expectation suite. Every rule is critical.

    ``rows`` is how many a batch has at least and at most, ``ranges`` the least and greatest value of a number, a day or
    an instant, None or infinity where there is no such bound. ``values`` is what a column, or each of several, may be,
    ``texts`` names columns with any text. None of these columns may be empty but those of ``may_be_empty``. Days and
    instants are Python's own or ISO 8601 text; an instant without an offset is UTC. ``also`` gets Great Expectations'
    module of expectations and returns any others.
    """

    rows: tuple[int, int]
    ranges: Mapping[str, tuple[Bound, Bound]] = field(default_factory=dict)
    values: Mapping[str | tuple[str, ...], Sequence[str | float | bool | date | time | Decimal]] = field(
        default_factory=dict
    )
    texts: Collection[str] = ()
    may_be_empty: Collection[str] = ()
    also: "Callable[[Any], list[Expectation]]" = lambda gxe: []

    def __call__(self) -> "ExpectationSuite":
        """Build the expectation suite."""
        import great_expectations as gx
        import great_expectations.expectations as gxe
        from great_expectations.expectations.metadata_types import FailureSeverity

        critical = FailureSeverity.CRITICAL
        values = [
            (column, list(allowed))
            for columns, allowed in self.values.items()
            for column in ((columns,) if isinstance(columns, str) else columns)
        ]
        filled = [c for c in (*self.ranges, *dict(values), *self.texts) if c not in self.may_be_empty]
        bounds = {column: (_closed(low), _closed(high)) for column, (low, high) in self.ranges.items()}
        least, most = self.rows
        return gx.ExpectationSuite(
            name="row rules",
            expectations=[
                *(gxe.ExpectColumnValuesToNotBeNull(column=column, severity=critical) for column in filled),
                *(
                    _between(column, low, high)
                    for column, (low, high) in bounds.items()
                    if low is not None or high is not None
                ),
                *(
                    gxe.ExpectColumnValuesToBeInSet(column=column, value_set=allowed, severity=critical)
                    for column, allowed in values
                ),
                gxe.ExpectTableRowCountToBeBetween(min_value=least, max_value=most, severity=critical),
                *self.also(gxe),
            ],
        )


def _closed(bound: Bound) -> Any:
    """Return a bound, or None where it leaves its side open."""
    if isinstance(bound, Decimal) and bound.is_nan():
        # One that signals may not even be compared.
        return math.nan
    return None if bound in (math.inf, -math.inf) else bound


def _between(column: str, low: Any, high: Any) -> "Expectation":
    from great_expectations.expectations import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.metadata_types import FailureSeverity

    try:
        return ExpectColumnValuesToBeBetween(
            column=column, min_value=low, max_value=high, severity=FailureSeverity.CRITICAL
        )
    except ValueError as error:
        raise ConfigurationError(
            f"The range of {column} goes from {low!r} to {high!r}, which are no numbers, days or instants.",
            next_step="declare Python's own, or days as YYYY-MM-DD; None where there is no bound.",
        ) from error
