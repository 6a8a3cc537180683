"""Expectation suites: which expectations judge rows, and which judge the batch."""

import hashlib
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from daybreak.errors import ConfigurationError
from daybreak.ledger.expectation_results import ExpectationResult

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation

# Judged value by value, yet only right over the whole batch.
_WHOLE_BATCH = {
    "expect_column_values_to_be_unique",
    "expect_compound_columns_to_be_unique",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
}


@dataclass
class Declared:
    """One expectation of a suite, and what has been seen of it so far."""

    position: int
    kind: str
    severity: str
    level: str
    columns: tuple[str, ...]
    arguments: dict[str, Any]
    expectation: "Expectation"
    evaluated: int = 0
    unexpected: int = 0
    success: bool = True
    observed: Any = None

    @property
    def critical(self) -> bool:
        """Whether a failure quarantines the row or stops the run."""
        return self.severity == "critical"

    @property
    def sentence(self) -> str:
        """The expectation in words, as it is written into quarantine reasons and messages."""
        rest = ", ".join(f"{k}={v!r}" for k, v in self.arguments.items() if k not in ("column", "mostly"))
        subject = self.kind.removeprefix("expect_").replace("_", " ")
        return f"{' and '.join(self.columns) or 'batch'}: {subject}{f' ({rest})' if rest else ''}"


@dataclass(frozen=True)
class Suite:
    """A pipeline's expectations, told apart by what they judge."""

    declared: list[Declared] = field(default_factory=list)

    @property
    def row_level(self) -> list[Declared]:
        """The expectations that can be judged chunk by chunk."""
        return [d for d in self.declared if d.level == "row"]

    @property
    def batch_level(self) -> list[Declared]:
        """The expectations that need all rows of their columns."""
        return [d for d in self.declared if d.level == "batch"]

    @property
    def columns(self) -> list[str]:
        """Every column that an expectation names."""
        return list(dict.fromkeys(c for d in self.declared for c in d.columns))

    def results(self) -> list[ExpectationResult]:
        """Return what has been seen of each, for the ledger."""
        return [
            ExpectationResult(
                d.position, d.kind, d.level, d.severity, d.success, d.evaluated, d.unexpected, d.arguments, d.observed
            )
            for d in self.declared
        ]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what is expected."""
        content = [[d.kind, d.severity, d.arguments] for d in self.declared]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def read_suite(suite: "ExpectationSuite") -> Suite:
    """Tell a suite's expectations apart, refusing what would be judged wrongly chunk by chunk."""
    import great_expectations.expectations.expectation as kinds

    row_kinds = (
        kinds.ColumnMapExpectation,
        kinds.ColumnPairMapExpectation,
        kinds.MulticolumnMapExpectation,
    )
    declared = []
    for position, expectation in enumerate(suite.expectations, start=1):
        configuration = _written(expectation)
        kind, arguments = str(configuration["type"]), dict(configuration["kwargs"])
        if kind.startswith("expect_table_column"):
            raise ConfigurationError(
                f"{kind} is not needed: the columns are held against the model's signature before anything is judged.",
                next_step="remove it from the suite.",
            )
        _refuse_not_a_number(kind, expectation.configuration.kwargs)
        row_level = isinstance(expectation, row_kinds) and kind not in _WHOLE_BATCH
        severity = str(getattr(expectation.severity, "value", expectation.severity))
        if row_level and severity == "critical" and arguments.get("mostly", 1) != 1:
            raise ConfigurationError(
                f"{kind} is critical and has mostly={arguments['mostly']}: each row that breaks it is quarantined.",
                next_step="leave `mostly` out and set the pipeline's max_quarantined_share.",
            )
        declared.append(
            Declared(
                position=position,
                kind=kind,
                severity=severity,
                level="row" if row_level else "batch",
                columns=_columns(arguments),
                arguments=arguments,
                expectation=expectation,
            )
        )
    if not declared:
        raise ConfigurationError("The expectation suite is empty.", next_step="declare at least one expectation.")
    return Suite(declared)


def _written(expectation: "Expectation") -> dict[str, Any]:
    try:
        found: dict[str, Any] = expectation.configuration.to_json_dict()
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ConfigurationError(
            f"{expectation.expectation_type} declares what cannot be written down ({type(error).__name__}).",
            next_step="declare numbers, texts, days or instants.",
        ) from error
    return found


def _refuse_not_a_number(kind: str, arguments: dict[str, Any]) -> None:
    for name in ("min_value", "max_value"):
        # Nothing is less or more than it: each row would break the rule, or none.
        if isinstance(value := arguments.get(name), float) and math.isnan(value):
            raise ConfigurationError(
                f"{kind} on {arguments.get('column', 'the batch')} has a {name} that is not a number.",
                next_step="declare a number, or None where there is no bound.",
            )


def _columns(arguments: dict[str, Any]) -> tuple[str, ...]:
    named = [arguments[k] for k in ("column", "column_A", "column_B") if arguments.get(k)]
    return (*named, *(arguments.get("column_list") or []))
