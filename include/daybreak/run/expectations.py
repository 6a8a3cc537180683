"""Expectation suites: which expectations judge rows, which judge the batch, and running them on a frame.

Great Expectations fails open in several places: an empty frame or an all-null column passes most expectations, a
missing column fails without naming a row. Nothing here takes a success at its word.
"""

import hashlib
import json
import logging
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from daybreak.errors import ConfigurationError
from daybreak.ledger.expectation_results import ExpectationResult
from daybreak.run.comparable import NotComparableError, as_came, comparable_arguments, comparable_frame

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

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
class Judgement:
    """What one expectation says of one frame: positions of the rows that break it, or why it could not be judged."""

    evaluated: int
    unexpected: tuple[int, ...] | None
    success: bool
    observed: Any
    exception: str | None


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


class Judge:
    """Run expectations on frames with Great Expectations."""

    def __init__(self) -> None:
        quiet_great_expectations()
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.execution_engine import PandasExecutionEngine
        from great_expectations.validator.validator import Validator

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        self._engine = PandasExecutionEngine()
        self._validator = Validator(execution_engine=self._engine, data_context=context)

    def judge(self, frame: "pd.DataFrame", declared: list[Declared]) -> list[Judgement]:
        """Judge a frame; the judgements come in the order of the expectations."""
        if not declared:
            return []
        try:
            comparable = comparable_frame(frame)
        except NotComparableError as error:
            return [_not_judged(str(error)) for _ in declared]
        prepared = [_prepared(d, frame) for d in declared]
        results = self._results(comparable, [one for one in prepared if not isinstance(one, str)])
        return [
            _not_judged(one) if isinstance(one, str) else _read(results.get(_identity(one.to_json_dict())), frame)
            for one in prepared
        ]

    def _results(self, frame: "pd.DataFrame", configurations: "list[ExpectationConfiguration]") -> dict[str, Any]:
        # A data source's batch would be hashed twice, whole, and held until the next one comes.
        self._engine.load_batch_data("rows", frame)
        try:
            results = self._validator.graph_validate(
                configurations,
                runtime_configuration={
                    "result_format": {"result_format": "COMPLETE", "return_unexpected_index_query": False}
                },
            )
        finally:
            self._engine.load_batch_data("rows", frame.head(0))
        # Results may come back in another order than the expectations were given in.
        return {_identity(r.expectation_config.to_json_dict()): r for r in results if r.expectation_config}


def quiet_great_expectations() -> None:
    """Keep Great Expectations' import from writing some 280 lines into a log."""
    for name in ("great_expectations", "great_expectations.expectations.registry"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _identity(configuration: dict[str, Any]) -> str:
    arguments = {k: v for k, v in configuration["kwargs"].items() if k != "batch_id"}
    severity = configuration.get("severity")
    return json.dumps([configuration["type"], arguments, severity], sort_keys=True, default=str)


def _prepared(declared: Declared, frame: "pd.DataFrame") -> "ExpectationConfiguration | str":
    """Return what is given to Great Expectations, or why it cannot be judged."""
    configuration = declared.expectation.configuration
    try:
        configuration.kwargs = comparable_arguments(declared.kind, configuration.kwargs, frame)
    except NotComparableError as error:
        return str(error)
    return configuration


def _not_judged(why: str) -> Judgement:
    return Judgement(0, None, False, None, why)


def _read(result: Any, frame: "pd.DataFrame") -> Judgement:
    if result is None:
        return _not_judged("no result came back")
    exception = _exception(result.exception_info or {})
    found = result.result or {}
    positions = found.get("unexpected_index_list")
    # A row-level expectation met by every row reports no list, or an empty one.
    unexpected = tuple(positions) if positions is not None else (() if result.success else None)
    column = result.expectation_config.kwargs.get("column")
    return Judgement(
        evaluated=int(found.get("element_count", len(frame))) - int(found.get("missing_count", 0) or 0),
        unexpected=unexpected,
        success=bool(result.success),
        observed=as_came(found.get("observed_value"), frame[column] if column in frame.columns else None),
        exception=exception,
    )


def _exception(info: dict[str, Any]) -> str | None:
    # Either one flat dictionary or one for each metric.
    for entry in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message") or "unknown error").splitlines()[0]
    return None


def _columns(arguments: dict[str, Any]) -> tuple[str, ...]:
    named = [arguments[k] for k in ("column", "column_A", "column_B") if arguments.get(k)]
    return (*named, *(arguments.get("column_list") or []))
