"""What the model cannot score is found row by row and counted; its neighbours get their predictions."""

from collections.abc import Callable, Iterable
from math import log2
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.batch.chunk import Chunk, Rejected
from daybreak.batch.signature import Signature
from daybreak.batch.top import AllRows
from daybreak.declaration.prediction import Prediction
from daybreak.declaration.segments import OTHER
from daybreak.errors import ScoringFailed, SourceRefused
from daybreak.run.score import ModelScoring
from daybreak.run.segments import Scoring

UNITS = Prediction("units", 0, 1000)
TAKES = Signature((("x", "double"),))


class Model:
    """Predicts twice the value; raises where a value is in ``breaks``."""

    def __init__(self, breaks: Iterable[float] = (), answer: Callable[[pd.DataFrame], Any] | None = None) -> None:
        self.breaks = frozenset(breaks)
        self.answer = answer or (lambda frame: frame["x"].to_numpy() * 2)
        self.calls = 0

    def predict(self, frame: pd.DataFrame) -> Any:
        self.calls += 1
        assert len(frame), "a model is not asked about no rows"
        if self.breaks & set(frame["x"]):
            raise ValueError("cannot take\nthis value")
        return self.answer(frame)


class Scored:
    """One pass of numbers through a model, and what came of each."""

    def __init__(
        self,
        model: Model,
        values: Iterable[float],
        *,
        budget: int = 1000,
        chunk_rows: int = 8,
        withhold_texts: bool = False,
        prediction: Prediction = UNITS,
        signature: Signature = TAKES,
    ) -> None:
        self.rejected: list[Rejected] = []
        scoring = ModelScoring(
            model,
            signature,
            prediction,
            budget,
            self.rejected.append,
            withhold_texts=withhold_texts,
        )
        self.scoring = Scoring(None, {OTHER: scoring}, AllRows())
        x = pa.array(values, pa.float64())
        rows = pa.RecordBatch.from_pydict({"key": pa.array(range(len(x))), "x": x})
        self.chunks = [
            Chunk(rows.slice(start, chunk_rows), np.arange(start, min(start + chunk_rows, rows.num_rows)))
            for start in range(0, rows.num_rows, chunk_rows)
        ]
        self.predictions: dict[int, float] = {}
        self.further: dict[int, tuple[float, ...]] = {}

    def run(self) -> "Scored":
        for scored in self.scoring.predictions(self.chunks):
            assert scored.chunk.rows["key"].to_pylist() == scored.chunk.numbers.tolist()
            numbers = scored.chunk.numbers.tolist()
            self.predictions |= dict(zip(numbers, scored.values.tolist(), strict=True))
            if scored.further:
                self.further |= dict(zip(numbers, zip(*scored.further.values(), strict=True), strict=True))
        return self

    @property
    def reasons(self) -> dict[int, list[str]]:
        """Reasons by the number of the row."""
        return {
            int(number): reasons
            for rejected in self.rejected
            for number, reasons in zip(rejected.chunk.numbers, rejected.reasons, strict=True)
        }


def test_every_row_gets_its_own_prediction() -> None:
    done = Scored(Model(), range(20)).run()
    assert done.predictions == {n: 2.0 * n for n in range(20)}
    assert (done.scoring.scored, done.scoring.failed, done.rejected) == (20, 0, [])


@given(st.sets(st.integers(0, 29)), st.integers(1, 30))
def test_exactly_the_rows_that_break_the_model_fail(breaks: set[int], chunk_rows: int) -> None:
    done = Scored(Model(breaks), range(30), chunk_rows=chunk_rows).run()
    assert done.predictions == {n: 2.0 * n for n in range(30) if n not in breaks}
    assert set(done.reasons) == breaks
    assert (done.scoring.scored, done.scoring.failed) == (30 - len(breaks), len(breaks))


def test_one_bad_row_costs_no_more_calls_than_halving_needs() -> None:
    model = Model({177.0})
    done = Scored(model, range(256), chunk_rows=256).run()
    assert done.reasons.keys() == {177}
    assert model.calls == 2 * log2(256) + 1


def test_a_day_that_python_does_not_know_is_refused_by_name() -> None:
    done = Scored(Model(), range(3), signature=Signature((("x", "double"), ("since", "datetime"))))
    since = pa.array([0, -900_000, 0], pa.int32()).view(pa.date32())
    done.chunks = [Chunk(chunk.rows.append_column("since", since), chunk.numbers) for chunk in done.chunks]
    with pytest.raises(
        SourceRefused, match=r"^Column since holds a day .* Next: .* CASE WHEN since BETWEEN date '0001"
    ):
        done.run()


def test_the_reason_names_the_kind_of_error_and_holds_no_value() -> None:
    done = Scored(Model({3.0}), range(8)).run()
    assert done.reasons == {3: ["the model raised ValueError"]}


@pytest.mark.parametrize(
    "prediction", [np.nan, np.inf, -np.inf, -0.001, 1000.001], ids=["nan", "inf", "-inf", "below", "above"]
)
def test_a_prediction_outside_of_the_contract_fails_without_being_told(prediction: float) -> None:
    model = Model(answer=lambda frame: np.where(frame["x"] == 2, prediction, 5.0))
    done = Scored(model, range(5)).run()
    assert done.reasons == {2: ["units: not a number from 0 to 1000"]}
    assert done.predictions == dict.fromkeys([0, 1, 3, 4], 5.0)


def test_the_ends_of_the_declared_range_belong_to_it() -> None:
    done = Scored(Model(answer=lambda frame: np.where(frame["x"] == 0, 0.0, 1000.0)), range(2)).run()
    assert done.predictions == {0: 0.0, 1: 1000.0}


def test_as_many_rows_as_the_budget_allows_may_fail_and_not_one_more() -> None:
    assert Scored(Model({1.0, 9.0}), range(20), budget=2).run().scoring.failed == 2
    overdrawn = Scored(Model({1.0, 9.0, 17.0}), range(20), budget=2)
    with pytest.raises(ScoringFailed, match="3 rows could not be scored, 2 are allowed"):
        overdrawn.run()


@pytest.mark.parametrize("withheld", [False, True])
def test_what_a_model_says_when_it_fails_is_told_unless_predictions_may_not_be_kept(withheld: bool) -> None:
    with pytest.raises(ScoringFailed) as failed:
        Scored(Model({3.0}), range(8), budget=0, withhold_texts=withheld).run()
    assert ("cannot take this value" in str(failed.value)) is not withheld
    assert "the model raised ValueError" in str(failed.value)
    assert ("its text is withheld" in str(failed.value)) is withheld


def test_failures_of_both_kinds_draw_on_one_budget() -> None:
    model = Model({1.0}, lambda frame: np.where(frame["x"] == 2, np.nan, 1.0))
    assert Scored(model, range(8), budget=2).run().scoring.failed == 2
    with pytest.raises(ScoringFailed, match="2 rows could not be scored, 1 are allowed"):
        Scored(model, range(8), budget=1).run()


def test_a_model_that_always_raises_is_given_up_soon_and_quoted_on_one_line() -> None:
    model = Model(range(100_000))
    with pytest.raises(ScoringFailed, match="the model raised ValueError: cannot take this value") as failed:
        Scored(model, range(100_000), budget=10, chunk_rows=100_000).run()
    assert "\n" not in str(failed.value)
    assert model.calls < 100


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda frame: [1.0], "gave 1 predictions for 8 rows"),
        # Two numbers for each row were once taken for two rows' worth of predictions.
        (lambda frame: np.ones((len(frame), 2)), "gave 2 predictions for each row, 1 is declared"),
        (lambda frame: np.ones((len(frame), 0)), "gave 0 predictions for each row, 1 is declared"),
        (lambda frame: np.ones((2, len(frame), 2)), "gave 2 by 8 by 2 predictions for 8 rows"),
    ],
)
def test_another_number_of_predictions_than_rows_stops_at_once(
    answer: Callable[[pd.DataFrame], Any], told: str
) -> None:
    model = Model(answer=answer)
    with pytest.raises(ScoringFailed, match=f"{told}.*predicts one value for each row"):
        Scored(model, range(8)).run()
    assert model.calls == 1


def test_one_column_of_predictions_is_as_good_as_a_row_of_them() -> None:
    model = Model(answer=lambda frame: frame[["x"]].to_numpy())
    assert Scored(model, range(4)).run().predictions == {n: float(n) for n in range(4)}


@pytest.mark.parametrize("kind", [MemoryError, KeyboardInterrupt, SystemExit])
def test_what_is_not_the_rows_fault_is_not_halved_away(kind: type[BaseException]) -> None:
    def answer(frame: pd.DataFrame) -> Any:
        raise kind

    model = Model(answer=answer)
    with pytest.raises(kind):
        Scored(model, range(8)).run()
    assert model.calls == 1


def test_a_chunk_in_which_every_row_failed_is_not_handed_on() -> None:
    done = Scored(Model(range(8)), range(12)).run()
    assert done.predictions == {n: 2.0 * n for n in range(8, 12)}
    assert done.scoring.failed == 8


def test_further_numbers_stay_beside_the_row_they_are_of() -> None:
    prediction = Prediction("units", 0, 1000, quantiles=(0.1, 0.5, 0.9))
    model = Model({3.0, 7.0}, lambda frame: np.column_stack([frame["x"] * n for n in (1, 2, 3)]))
    done = Scored(model, range(30), prediction=prediction).run()
    assert done.predictions == {n: 2.0 * n for n in range(30) if n not in (3, 7)}
    assert done.further == {n: (1.0 * n, 2.0 * n, 3.0 * n) for n in range(30) if n not in (3, 7)}


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0, 1001.0])
def test_a_row_fails_by_any_of_its_quantiles(at: int, wrong: float) -> None:
    prediction = Prediction("units", 0, 1000, quantiles=(0.1, 0.5, 0.9))

    def answer(frame: pd.DataFrame) -> np.ndarray:
        found = np.tile([1.0, 2.0, 3.0], (len(frame), 1))
        found[frame["x"] == 2, at] = wrong
        return found

    done = Scored(Model(answer=answer), range(5), prediction=prediction).run()
    assert done.further == dict.fromkeys([0, 1, 3, 4], (1.0, 2.0, 3.0))
    [[reason]] = done.reasons.values()
    assert reason.startswith("units")
    assert reason.endswith(": not a number from 0 to 1000")


class Classifier(Model):
    """Gives the probabilities of two classes, which it knows in another order than is declared."""

    classes_ = np.array(["far", "near"])
    predict_proba = Model.predict


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        ([0.25, 0.75], None),
        ([0.25, 0.7500009], None),
        ([0.25, 0.750002], "the probabilities of the classes do not add up to 1"),
        ([0.25, 0.25], "the probabilities of the classes do not add up to 1"),
        ([1.25, -0.25], "place_near: not a number from 0 to 1"),
        ([-0.25, 1.25], "place_near: not a number from 0 to 1"),
        ([np.nan, 1.0], "place_far: not a number from 0 to 1"),
    ],
    ids=str,
)
def test_probabilities_of_all_classes_are_probabilities(probabilities: list[float], reason: str | None) -> None:
    prediction = Prediction("place", 0, 1, method="predict_proba", classes=("near", "far"))
    model = Classifier(answer=lambda frame: np.tile(probabilities, (len(frame), 1)))
    done = Scored(model, range(3), prediction=prediction).run()
    if reason is None:
        assert done.predictions == dict.fromkeys(range(3), 0.0)
        assert done.further == dict.fromkeys(range(3), tuple(reversed(probabilities)))
    else:
        assert done.reasons == {n: [reason] for n in range(3)}


@given(st.lists(st.sampled_from(["a", "b", "other"]), min_size=1, max_size=40), st.sets(st.integers(0, 39)))
def test_each_row_keeps_its_numbers_whichever_segment_it_is_of(segments: list[str], breaks: set[int]) -> None:
    prediction = Prediction("units", 0, 1000, quantiles=(0.1, 0.9))

    def through(times: int) -> ModelScoring:
        model = Model(breaks, lambda frame: np.column_stack([frame["x"] * times, frame["x"] * times + 1]))
        return ModelScoring(model, Signature((("x", "double"),)), prediction, 1000, lambda rejected: None)

    times = {"a": 2, "b": 3, "other": 5}
    models = {"a": through(2), "b": through(3), OTHER: through(5)}
    rows = pa.RecordBatch.from_pydict({"segment": segments, "x": np.arange(len(segments), dtype=float)})
    found = {}
    for scored in Scoring("segment", models, AllRows()).predictions([Chunk(rows, np.arange(len(segments)))]):
        assert scored.chunk.rows["x"].to_pylist() == scored.chunk.numbers.tolist()
        values = zip(scored.values, *scored.further.values(), strict=True)
        found |= dict(zip(scored.chunk.numbers.tolist(), values, strict=True))
    expected = {n: n * times[segment] for n, segment in enumerate(segments) if n not in breaks}
    assert found == {n: (low, low, low + 1) for n, low in expected.items()}
