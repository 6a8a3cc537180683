"""Judge: running expectations on frames with Great Expectations, chunk after chunk.

Great Expectations fails open in several places: an empty frame or an all-null column passes most expectations, a
missing column fails without naming a row. Nothing here takes a success at its word.

What an expectation has to compute follows from its declaration and not from the rows. Great Expectations finds it out
at each call of ``Validator.graph_validate``, which takes several times as long as looking at a chunk's values. Here it
is found out once, and computed by the same classes that a validator uses.
"""

import copy
import logging
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daybreak.run.comparable import NotComparableError, as_came, comparable_arguments, comparable_frame
from daybreak.run.expectations import Declared

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.validation_graph import MetricEdge
    from great_expectations.validator.validator import ValidationDependencies

_BATCH = "rows"
_RUNTIME: dict[str, Any] = {"result_format": {"result_format": "COMPLETE", "return_unexpected_index_query": False}}
# Declarations whose computations are kept: some kilobytes each.
_MOST_KEPT = 1_000


@dataclass(frozen=True)
class Judgement:
    """What one expectation says of one frame: positions of the rows that break it, or why it could not be judged."""

    evaluated: int
    unexpected: tuple[int, ...] | None
    success: bool
    observed: Any
    exception: str | None


class Judge:
    """Run expectations on frames with Great Expectations."""

    def __init__(self) -> None:
        quiet_great_expectations()
        from great_expectations.execution_engine import PandasExecutionEngine
        from great_expectations.validator.metrics_calculator import MetricsCalculator

        self._engine = PandasExecutionEngine()
        self._calculator = MetricsCalculator(execution_engine=self._engine, show_progress_bars=False)

    def judge(self, frame: "pd.DataFrame", declared: list[Declared]) -> list[Judgement]:
        """Judge a frame; the judgements come in the order of the expectations."""
        if not declared:
            return []
        try:
            comparable = comparable_frame(frame)
        except NotComparableError as error:
            return [_not_judged(str(error)) for _ in declared]
        planned = [_planned(one.expectation, one.kind, frame, self._engine) for one in declared]
        found = iter(self._results(comparable, [one for one in planned if isinstance(one, _Planned)]))
        return [_not_judged(one) if isinstance(one, str) else _read(next(found), one, frame) for one in planned]

    def _results(self, frame: "pd.DataFrame", planned: "list[_Planned]") -> list[dict[str, Any] | str]:
        """Compute all that is needed, each metric once; return a result, or why there is none, for each."""
        from great_expectations.validator.validation_graph import ValidationGraph

        # A data source's batch would be hashed twice, whole, and held until the next one comes.
        self._engine.load_batch_data(_BATCH, frame)
        try:
            graph = ValidationGraph(self._engine, [edge for one in planned for edge in one.edges])
            metrics, failed = self._calculator.resolve_validation_graph(graph, _RUNTIME)
            return [self._result(one, metrics, failed) for one in planned]
        finally:
            self._engine.load_batch_data(_BATCH, frame.head(0))

    def _result(self, planned: "_Planned", metrics: dict[Any, Any], failed: dict[Any, Any]) -> dict[str, Any] | str:
        for metric in planned.metrics:
            if metric.id in failed:
                return str(failed[metric.id]["exception_info"].exception_message)
        needed = planned.needed.metric_configurations
        if missing := [name for name, metric in needed.items() if metric.id not in metrics]:
            return f"{missing[0]} was not computed"
        try:
            # What an expectation implements. Around it, metrics_validate finds out once more what it needs.
            result = planned.configuration.to_domain_obj()._validate(
                metrics={name: metrics[metric.id] for name, metric in needed.items()},
                runtime_configuration={"result_format": copy.deepcopy(planned.needed.result_format)},
                execution_engine=self._engine,
            )
        except Exception as error:  # an expectation is anybody's code, and one that failed has judged nothing
            return _said(error)
        return result if isinstance(result, dict) else dict(result.to_json_dict())


def quiet_great_expectations() -> None:
    """Keep Great Expectations' import from writing some 280 lines into a log."""
    for name in ("great_expectations", "great_expectations.expectations.registry"):
        logging.getLogger(name).setLevel(logging.ERROR)


@dataclass(frozen=True)
class _Planned:
    """An expectation as it is given to Great Expectations, and the metrics that it follows from."""

    configuration: "ExpectationConfiguration"
    needed: "ValidationDependencies"
    edges: "list[MetricEdge]"
    metrics: "list[MetricConfiguration]"

    @property
    def given(self) -> list[Any]:
        """What the metrics are computed with: each is handed its arguments themselves, and might change them."""
        return [(one.metric_domain_kwargs, one.metric_value_kwargs) for one in self.metrics]


def _planned(
    expectation: "Expectation", kind: str, frame: "pd.DataFrame", engine: "PandasExecutionEngine"
) -> _Planned | str:
    """Return what is to be computed for an expectation, or why it cannot be judged."""
    configuration = expectation.configuration
    try:
        configuration.kwargs = comparable_arguments(kind, configuration.kwargs, frame)
    except NotComparableError as error:
        return str(error)
    try:
        key = type(expectation), pickle.dumps(configuration.kwargs)
    except Exception:  # arguments that cannot be written down are anybody's too: planned each time
        key = None
    known, given = _kept.get(key, (None, []))
    if known and _equal(known.given, given):
        return known
    try:
        planned = _plan(configuration, engine)
    except Exception as error:
        return _said(error)
    if key is not None:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = planned, copy.deepcopy(planned.given)
    return planned


_kept: dict[Any, tuple[_Planned, list[Any]]] = {}


def _equal(ours: list[Any], given: list[Any]) -> bool:
    try:
        return ours == given
    except ValueError:  # arrays do not say whether they are equal
        return False


def _plan(configuration: "ExpectationConfiguration", engine: "PandasExecutionEngine") -> _Planned:
    from great_expectations.validator.metrics_calculator import MetricsCalculator

    configuration.kwargs["batch_id"] = _BATCH
    needed = configuration.to_domain_obj().get_validation_dependencies(engine, runtime_configuration=_RUNTIME)
    graph = MetricsCalculator(execution_engine=engine).build_metric_dependency_graph(
        needed.get_metric_configurations(), _RUNTIME
    )
    vertices = {id(one): one for edge in graph.edges for one in (edge.left, edge.right) if one is not None}
    return _Planned(configuration, needed, list(graph.edges), list(vertices.values()))


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _not_judged(why: str) -> Judgement:
    return Judgement(0, None, False, None, next(iter(why.splitlines()), "") or "unknown error")


def _read(result: dict[str, Any] | str, planned: _Planned, frame: "pd.DataFrame") -> Judgement:
    if isinstance(result, str):
        return _not_judged(result)
    success, found = bool(result.get("success")), result.get("result") or {}
    positions = found.get("unexpected_index_list")
    # A row-level expectation met by every row reports no list, or an empty one.
    unexpected = tuple(positions) if positions is not None else (() if success else None)
    column = planned.configuration.kwargs.get("column")
    return Judgement(
        evaluated=int(found.get("element_count", len(frame))) - int(found.get("missing_count", 0) or 0),
        unexpected=unexpected,
        success=success,
        observed=as_came(found.get("observed_value"), frame[column] if column in frame.columns else None),
        exception=_exception(result.get("exception_info") or {}),
    )


def _exception(info: dict[str, Any]) -> str | None:
    # Either one flat dictionary or one for each metric.
    for entry in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message") or "unknown error").splitlines()[0]
    return None
