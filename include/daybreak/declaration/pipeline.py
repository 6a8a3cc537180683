"""Pipeline: what a batch-inference pipeline declares. Light to import: it is read whenever Airflow parses a DAG."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from daybreak.declaration.cadence import DAILY, WEEKDAYS, Cadence, Day, Hour, Week, Weekday
from daybreak.declaration.due import Due, due_problem
from daybreak.declaration.files import FileTable, source_problem
from daybreak.declaration.functions import Function
from daybreak.declaration.partition import Calendar
from daybreak.declaration.prediction import Label, Prediction, prediction_problem, same
from daybreak.declaration.presentation import presentation_problem
from daybreak.declaration.segments import ModelRef, PerSegment, Segments
from daybreak.declaration.source_tables import EventTable, StateTable
from daybreak.errors import ConfigurationError

# What is predicted, as far as measuring goes: how often, how much, a probability, which class, an order of candidates.
Measures = Literal["counts", "amounts", "probability", "class", "ranking"]


@dataclass(frozen=True)
class Top:
    """Publish only the ``k`` highest predictions of each group, with their rank.

    ``within`` are the leading columns of the entity key that make a group; extract.sql gives a group's rows one after
    the other. Equal predictions are ranked by the rest of the entity key.
    """

    k: int
    within: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Retrain:
    """When a model is to be trained again before its time.

    Where the error over ``days`` partitions is ``error_ratio`` times that on the held-out days of its training, or
    where a feature named in ``features``, or the prediction, is spread so differently from those days that the
    divergence (Kullback-Leibler, in nats) exceeds ``divergence``. Not within ``cool_down`` of the last training. The
    error of a ranking is how many times fewer of its places were right. A model per segment is held against the rows of
    its segment, a fallback against none; where one is off, all are trained.
    """

    error_ratio: float = 1.25
    days: int = 7
    features: tuple[str, ...] = ()
    divergence: float = 0.2
    cool_down: timedelta = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Push:
    """Predictions that are sent to another system and stored nowhere.

    ``connection`` is its Airflow Connection. ``offers`` is a class that keeps the best candidates in memory,
    ``scores`` a function that builds the expectation suite of the scores. A partition that ended longer ago than
    ``max_staleness`` is not pushed; offers are valid for ``valid_for`` from the partition's end.
    """

    connection: str
    offers: Function
    scores: Function
    max_staleness: timedelta = timedelta(hours=36)
    valid_for: timedelta = timedelta(days=1)
    chunk_items: int = 100


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A batch of each day, week, month or hour: where its rows come from, what they must fulfil, what is predicted.

    ``sql/<name>/`` holds its queries. ``expectations`` builds the expectation suite, such as a ``RowRules``;
    ``training`` fits the model, such as a ``Classification``. Each is a function, or is named as ``module:function``
    where importing it would be heavy. ``history_days`` is how many days, the partition included, the query
    looks back on; partitions with less history in the source are refused. Predictions are published, or pushed where
    ``push`` says how.

    ``every`` says how long a partition is: ``Hour()``, ``Day()``, ``Week(starts="sunday")`` or ``Month()``, in local
    time. Its run starts ``ready_after`` its end. Where the source has not landed then, the run waits for it as long as
    ``wait`` says. What is not there by ``due`` is late: a time of day in its zone, the first after the partition's end,
    or a span after that end. ``open_on`` names the days of the week that the source has rows of, all by default. A day
    that is missing in the history that the query looks back on is counted where coverage.sql lists days, and of more
    than ``max_missing_days`` the run is refused.

    ``reads`` names the table and column that coverage.sql, and perhaps training.sql, follow from without a file.
    ``source`` names what runs its queries, if not the warehouse: ``DAYBREAK_SOURCE_<NAME>`` says where it is. ``files``
    are the tables of a folder of files, by name; where each file is of one day, coverage.sql follows from them.

    A pipeline with an ``upstream`` reads that pipeline's current publication of the same partition: its extract.sql
    binds ``:upstream_run_id``. ``carries`` names columns of extract.sql that are published beside the prediction.
    ``columns`` says what columns of the published table and view mean; of others, what the source says of its own.
    With a ``shadow``, an alias, the rows are scored by that version too, into a table that only measurements read.

    ``measures`` says what is predicted: actuals.sql then gives what happened, measured as a whole and for each value of
    its column ``measured_by``. ``target`` is the column of training.sql that holds what is predicted, known
    ``target_days`` after the partition; where it is one of a few values, ``positive`` is that whose probability is
    predicted. ``training_rows`` is a function of a ``Past`` and two days that completes the rows of training.sql where
    the file cannot, with the column of a model per segment. ``groups`` are columns of
    them: a promotion may make none of their values worse by more than the share ``group_margin``. ``backfill``
    is the model version that backfills use: today's champion, the one ``as_of`` the partition's end, or a number.
    ``retrain`` says when measurements ask for a training before the weekly one.

    In Airflow the DAG is shown as ``title``, which is made from the name if there is none, with ``tags`` besides its
    own, as that of ``owner``, or of whom Airflow's ``default_owner`` names. ``group`` is that of the pipeline's asset;
    a pipeline and its upstream are in one group.
    """

    name: str
    description: str
    timezone: str
    entity_key: tuple[str, ...]
    model: ModelRef | PerSegment
    prediction: Prediction
    expectations: Function
    training: Function
    every: Cadence = DAILY
    ready_after: timedelta = timedelta(0)
    wait: timedelta = timedelta(0)
    due: Due | None = None
    open_on: tuple[Weekday, ...] = WEEKDAYS
    max_missing_days: int = 0
    history_days: int = 1
    max_quarantined_share: float = 0.05
    max_failed_share: float = 0.01
    chunk_rows: int = 131_072
    push: Push | None = None
    upstream: str | None = None
    carries: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    top: Top | None = None
    shadow: str | None = None
    measures: Measures | None = None
    measured_by: str | None = None
    target: str | None = None
    positive: Label | None = None
    target_days: int = 1
    training_rows: Function | None = None
    groups: tuple[str, ...] = ()
    group_margin: float = 0.05
    backfill: Literal["current", "as_of"] | int = "current"
    retrain: Retrain | None = None
    reads: EventTable | StateTable | None = None
    source: str | None = None
    files: Mapping[str, FileTable] = field(default_factory=dict)
    title: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    group: str = "predictions"

    def __post_init__(self) -> None:
        problem = self._contradiction()
        if problem:
            raise ConfigurationError(
                f"{self.name} declares {problem}.", next_step="mend the pipeline's declaration.", pipeline=self.name
            )

    @cached_property
    def segments(self) -> Segments:
        """The registered models by segment, whether there is one for all rows or one for each."""
        return self.model.segments

    @cached_property
    def calendar(self) -> Calendar:
        """The partitions that there are."""
        return Calendar(self.timezone, self.every, self.open_on)

    @property
    def measured_every(self) -> Cadence:
        """What predictions are taken together by, where models are compared: the partition, of hours their day."""
        return DAILY if isinstance(self.every, Hour) else self.every

    @property
    def horizon(self) -> int:
        """How many of those a target reaches over."""
        return math.ceil(self.target_days / self.measured_every.least_days)

    @property
    def display_name(self) -> str:
        """What the pipeline is called where people read: its title, or its name in words."""
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def model_refs(self) -> tuple[ModelRef, ...]:
        """The registered models that may score a row, each once."""
        return tuple(dict.fromkeys(self.segments.refs.values()))

    @property
    def single_ref(self) -> ModelRef:
        """The one registered model; raise where each segment has its own."""
        if self.segments.column is not None:
            raise ConfigurationError(
                f"{self.name} has a model for each segment.",
                next_step=f"name one with `--model`: {', '.join(ref.name for ref in self.model_refs)}.",
                pipeline=self.name,
            )
        [model] = self.model_refs
        return model

    def ref(self, model: str | None = None) -> ModelRef:
        """Return the registered model of a name, or the one that there is."""
        for declared in self.model_refs if model else ():
            if declared.name == model:
                return declared
        if model:
            raise ConfigurationError(
                f"{self.name} has no model '{model}'.",
                next_step=f"choose from {', '.join(ref.name for ref in self.model_refs)}.",
            )
        return self.single_ref

    def _contradiction(self) -> str | None:
        if problem := prediction_problem(self.prediction, (*self.entity_key, *self.carries)):
            return problem
        if self.push and (self.top or self.carries or self.shadow or self.segments.column):
            return "a push together with what only a publication can have: a model per segment, carries, top or shadow"
        if self.segments.column and not self.segments.named:
            return "a model per segment, and no segment"
        if self.backfill not in ("current", "as_of") and not (isinstance(self.backfill, int) and self.backfill > 0):
            return f"a backfill policy '{self.backfill}' other than current, as_of or a version"
        if (
            problem := self._calendar_contradiction()
            or self._measuring_contradiction()
            or self._no_function()
            or self._retrain_contradiction()
            or source_problem(self.source, self.upstream, self.files, self.reads)
            or self._presentation_contradiction()
        ):
            return problem
        if (self.top or self.push) and self.prediction.classes:
            what = "top" if self.top else "push"
            return f"a {what} of all classes, which have no order: name the one that it goes by, Prediction(…, of=…)"
        if self.upstream == self.name:
            return "itself as its upstream"
        if self.top and (self.top.k < 1 or self.top.within != self.entity_key[: len(self.top.within)]):
            return "a top that is not one or more rows within the leading columns of its entity key"
        if self.top and self.top.within == self.entity_key:
            return "a top within its whole entity key, of which there is one row each"
        return None

    def _calendar_contradiction(self) -> str | None:
        if not isinstance(self.every, Cadence):
            return f"{self.every!r:.50} as its cadence, which is none of Hour(), Day(), Week() and Month()"
        if self.push and not isinstance(self.every, Day | Week):
            return f"a push of each {self.every.word}: the receiver tells partitions apart by a day"
        if self.ready_after < timedelta(0) or self.wait < timedelta(0):
            return "a time to wait that is negative"
        if not self.open_on or set(self.open_on) - set(WEEKDAYS):
            return f"days that it is open on other than one or more of {', '.join(WEEKDAYS)}"
        problem = "a number of missing days below nought" if self.max_missing_days < 0 else None
        return problem or due_problem(self.due, self.every, self.ready_after)

    def _measuring_contradiction(self) -> str | None:
        if self.positive is not None and self.target is None:
            return "which value of its target is positive, and no target"
        of = self.prediction.of
        if of is not None and self.positive is not None and not same(of, self.positive):
            return f"the probability of {of!r}, and {self.positive!r} as its positive value"
        if self.measures and bool(self.prediction.classes) != (self.measures == "class"):
            return (
                f"a measure of {self.measures}, and {'all' if self.prediction.classes else 'no'} classes as predicted"
            )
        if self.measures == "probability" and self.prediction.quantiles:
            return "a measure of probability, and quantiles as predicted"
        if self.measured_by and not self.measures:
            return "what it is measured by, and not what it measures"
        return None

    def _no_function(self) -> str | None:
        for what, function in self._functions():
            if not isinstance(function, str) and (isinstance(function, type) or not callable(function)):
                return f"{function!r:.50} as its {what}, which is neither a function nor the name of one"
        return None

    def _functions(self) -> Iterator[tuple[str, Any]]:
        yield "expectations", self.expectations
        yield "training", self.training
        if self.training_rows is not None:
            yield "training_rows", self.training_rows
        if self.push:
            yield "scores", self.push.scores

    def _presentation_contradiction(self) -> str | None:
        if self.push and not self.upstream and self.group != Pipeline.group:
            return "a group of its asset together with a push, which has none"
        return presentation_problem(self.owner, self.tags, self.group, self.title)

    def _retrain_contradiction(self) -> str | None:
        column = self.segments.column
        if self.retrain is None or column is None:
            return None
        # What is published and what is measured have to say whose model it was.
        if column not in self.carries:
            return f"when to retrain by a model per segment, and does not carry {column}"
        if self.measures and self.measured_by != column:
            return f"when to retrain by a model per segment, and is not measured by {column}"
        return None
