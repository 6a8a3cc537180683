"""Segments and recommendations on real sales: names stay, models beat favourites, households are accounted for."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from daybreak.models.version import ModelVersion
from daybreak.monitoring.measure import measure
from daybreak.run.outcome import Outcome
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.training.comparison import compare, rows_of, unseen
from daybreak.training.past import Past
from daybreak.training.train import train
from daybreak.training.trained import Trained
from daybreak.workspace import Workspace
from local_days import local_day
from real_sales import TRAINED_BEFORE, RealSales
from retail.customer_recommendations import CUSTOMER_RECOMMENDATIONS
from retail.customer_recommendations.ranking import best, starts
from retail.customer_recommendations.training import predict, training_rows
from retail.customer_segments import CUSTOMER_SEGMENTS
from retail.customer_segments.training import FEATURES, fit
from retail.segments import SEGMENTS

Ask = Callable[..., list[tuple[Any, ...]]]
Registered = dict[str, tuple[ModelVersion, Trained]]


@pytest.fixture(scope="module")
def through(sales: RealSales) -> date:
    return sales.last_day - TRAINED_BEFORE


@pytest.fixture(scope="module")
def registered(workspace: Workspace, through: date) -> Registered:
    """Train both pipelines as they are declared."""
    return {
        version.name: (version, trained)
        for pipeline in (CUSTOMER_SEGMENTS, CUSTOMER_RECOMMENDATIONS)
        for version, trained in train(workspace, pipeline, through=through)
    }


@pytest.fixture(scope="module")
def day(sales: RealSales) -> date:
    # The week after it lies before Christmas: in that one everybody buys less than the four weeks before say.
    return sales.last_day - timedelta(days=17)


@pytest.fixture(scope="module")
def outcomes(workspace: Workspace, registered: Registered, day: date) -> tuple[Outcome, Outcome]:
    """Run both pipelines for a day whose seven following days are known."""
    assert registered
    segments, recommendations = (
        Runner(workspace, pipeline).run(plan_run(workspace, pipeline, Request(day.isoformat())))
        for pipeline in (CUSTOMER_SEGMENTS, CUSTOMER_RECOMMENDATIONS)
    )
    return segments, recommendations


def test_every_model_beats_its_segments_favourites_in_both_metrics(registered: Registered) -> None:
    models = {name: trained for name, (_, trained) in registered.items() if name != CUSTOMER_SEGMENTS.name}
    assert len(models) == len(SEGMENTS) + 1
    for name, trained in models.items():
        assert set(trained.baseline) == {"precision_at_5", "map_at_5"}
        for metric, favourites in trained.baseline.items():
            assert trained.metrics[metric] > favourites, (name, metric)


def test_models_per_segment_and_one_model_for_all_are_shown_beside_each_other(registered: Registered) -> None:
    for name, (_, trained) in registered.items():
        if name != CUSTOMER_SEGMENTS.name:
            kinds = {candidate.name: candidate for candidate in trained.candidates}
            assert set(kinds) == {"a model per segment", "one model for all", "the segment's favourites"}
            [chosen] = [candidate for candidate in kinds.values() if candidate.chosen]
            assert chosen.metrics == trained.metrics


def test_silhouette_is_shown_for_two_to_eight_segments_and_beats_equal_parts_by_spending(
    registered: Registered,
) -> None:
    _, trained = registered[CUSTOMER_SEGMENTS.name]
    found = {candidate.parameters["segments"]: candidate.metrics["silhouette"] for candidate in trained.candidates}
    assert sorted(found) == list(range(2, 9))
    assert found[4] == trained.metrics["silhouette"] > 2 * trained.baseline["silhouette"]
    assert found[4] > found[5]


def test_no_model_has_seen_anything_of_the_held_out_weeks(registered: Registered, through: date) -> None:
    assert {version.trained_through for version, _ in registered.values()} == {through - timedelta(days=28)}


def test_segments_keep_their_meaning_when_the_model_is_trained_on_other_weeks_with_other_seeds(
    workspace: Workspace, through: date
) -> None:
    past = Past(workspace, CUSTOMER_SEGMENTS, through)
    households = past.rows(through, through).select(FEATURES).to_pandas()

    def named(last: date, seed: int) -> np.ndarray:
        rows = past.rows(last - timedelta(days=56), last).select(FEATURES).to_pandas()
        found: np.ndarray = fit(rows, seed=seed).predict(households)
        return found

    known = named(through - timedelta(days=28), 0)
    for back, seed in ((28, 1), (28, 2), (63, 3), (112, 4)):
        again = named(through - timedelta(days=back), seed)
        assert (again == known).mean() > 0.93, (back, seed)


def test_the_names_say_what_the_households_do(
    workspace: Workspace, registered: Registered, outcomes: tuple[Outcome, Outcome], ask: Ask, day: date
) -> None:
    assert registered
    assert outcomes
    households = Past(workspace, CUSTOMER_SEGMENTS, day).rows(day, day).to_pandas().set_index("household_id")
    households["segment"] = pd.Series(
        dict(
            ask("SELECT household_id, segment FROM predictions.customer_segments WHERE partition_date = :day", day=day)
        )
    )
    middle = households.groupby("segment")[FEATURES].median().loc[list(SEGMENTS)]
    assert middle["days_since_last_purchase"].is_monotonic_increasing
    assert middle["baskets_90d"].idxmax() == middle["spend_90d"].idxmax() == "loyal"
    assert middle["baskets_90d"].idxmin() == middle["spend_90d"].idxmin() == "lapsing"
    assert households["segment"].value_counts(normalize=True).min() > 0.1


def test_a_household_that_bought_nothing_in_90_days_is_in_no_segment_in_no_list_and_accounted_for(
    outcomes: tuple[Outcome, Outcome], ask: Ask, day: date
) -> None:
    local = "(transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::date"
    away = {
        household
        for (household,) in ask(
            f"SELECT household_id FROM retail.transactions WHERE {local} <= :day "
            f"GROUP BY household_id HAVING max({local}) <= :day - 90",
            day=day,
        )
    }
    assert len(away) > 100
    run_id, counts = outcomes[0].plan.run_id, outcomes[0].counts
    aside = ask(
        "SELECT (entity_key ->> 'household_id')::int, reasons FROM ledger.quarantine WHERE run_id = :run", run=run_id
    )
    assert {household for household, _ in aside} == away
    assert {reason for _, reasons in aside for reason in reasons} == {
        "baskets_90d: column values to be between (min_value=1.0)"
    }
    assert counts.rows_quarantined == len(away)
    assert counts.rows_extracted == len(away) + counts.rows_scored
    for view in ("customer_segments", "customer_recommendations"):
        shown = {household for (household,) in ask(f"SELECT DISTINCT household_id FROM predictions.{view}")}
        assert len(shown) == counts.rows_scored
        assert not shown & away


def test_every_household_has_five_categories_by_its_own_segments_model(
    outcomes: tuple[Outcome, Outcome], ask: Ask, day: date
) -> None:
    segments, recommendations = outcomes
    shown = pd.DataFrame(
        ask(
            "SELECT household_id, rank, product_category, probability, segment, model_name, upstream_run_id "
            "FROM predictions.customer_recommendations WHERE partition_date = :day ORDER BY household_id, rank",
            day=day,
        ),
        columns=["household_id", "rank", "product_category", "probability", "segment", "model_name", "upstream"],
    )
    assert shown.groupby("household_id")["rank"].agg(list).map(tuple).unique().tolist() == [(1, 2, 3, 4, 5)]
    assert shown.groupby("household_id")["probability"].is_monotonic_decreasing.all()
    assert (shown["model_name"] == "customer_recommendations_" + shown["segment"]).all()
    assert set(shown["upstream"]) == {segments.plan.run_id}
    published = dict(ask("SELECT household_id, segment FROM predictions.customer_segments"))
    assert dict(zip(shown["household_id"], shown["segment"], strict=True)) == published
    counts = recommendations.counts
    assert 200_000 < counts.rows_extracted == counts.rows_scored < 300_000
    [(rows, own)] = ask(
        "SELECT sum(rows_scored), sum(rows_scored) FILTER (WHERE segment IS NOT NULL) FROM ledger.run_segments "
        "WHERE run_id = :run",
        run=recommendations.plan.run_id,
    )
    assert rows == own == counts.rows_scored


def test_the_probabilities_are_those_of_buying(outcomes: tuple[Outcome, Outcome], ask: Ask, day: date) -> None:
    assert outcomes
    local = "(transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::date"
    found = ask(
        "SELECT segment, sum(probability), count(bought.household_id) FROM predictions.customer_recommendations "
        "LEFT JOIN (SELECT DISTINCT household_id, product_category FROM retail.transactions "
        f"JOIN retail.products USING (product_id) WHERE {local} BETWEEN :day + 1 AND :day + 7) AS bought "
        "USING (household_id, product_category) WHERE partition_date = :day GROUP BY segment",
        day=day,
    )
    assert {segment for segment, _, _ in found} == set(SEGMENTS)
    for segment, expected, bought in found:
        print(f"{segment}: {expected:.0f} expected, {bought} bought")
    expected, bought = (sum(row[place] for row in found) for place in (1, 2))
    assert 0.85 < expected / bought < 1.2


def test_precision_is_measured_as_training_measures_it(
    workspace: Workspace, outcomes: tuple[Outcome, Outcome], ask: Ask, day: date
) -> None:
    assert outcomes
    [found] = measure(workspace, CUSTOMER_RECOMMENDATIONS, *2 * [local_day(day, CUSTOMER_RECOMMENDATIONS.timezone)])
    assert found.problem is None
    rows = training_rows(Past(workspace, CUSTOMER_RECOMMENDATIONS, day), day, day).to_pandas()
    scores = np.full(len(rows), np.nan)
    for segment, ref in CUSTOMER_RECOMMENDATIONS.model.models.items():  # type: ignore[union-attr]
        inside = (rows["segment"] == segment).to_numpy()
        scores[inside] = predict(workspace.registry.load(workspace.registry.resolve(ref)), rows[inside])
    lists, of = best(rows, scores).precision, rows["segment"].to_numpy()[starts(rows)]
    kept = ask(
        "SELECT segment, value, rows FROM ledger.performance WHERE pipeline = :name AND partition_date = :day",
        name=CUSTOMER_RECOMMENDATIONS.name,
        day=day,
    )
    # Every household is in a segment: its rows are those of its segment's model.
    assert {segment: (value, households) for segment, value, households in kept} == {
        "(all)": (pytest.approx(lists.mean()), len(lists))
    } | {
        name: (pytest.approx(lists[of == segment].mean()), (of == segment).sum())
        for segment in SEGMENTS
        for name in (segment, f"{CUSTOMER_RECOMMENDATIONS.name}_{segment}")
    }


def test_a_segments_challenger_is_judged_on_its_segments_households(
    workspace: Workspace, sales: RealSales, registered: Registered, day: date
) -> None:
    name = f"{CUSTOMER_RECOMMENDATIONS.name}_lapsing"
    champion = registered[name][0]
    rows = training_rows(Past(workspace, CUSTOMER_RECOMMENDATIONS, day), day, day)
    [whole] = rows.combine_chunks().to_batches()
    mine = rows_of(CUSTOMER_RECOMMENDATIONS, name, whole)
    assert set(mine.column("segment").to_pylist()) == {"lapsing"}
    assert rows_of(CUSTOMER_RECOMMENDATIONS, CUSTOMER_RECOMMENDATIONS.name, whole).num_rows == rows.num_rows
    on = unseen(workspace, CUSTOMER_RECOMMENDATIONS, [champion])
    assert on[0].first_day > champion.trained_through
    assert on[-1].first_day == sales.last_day - timedelta(days=7), "later targets are not known yet"
    compared = compare(workspace, CUSTOMER_RECOMMENDATIONS, champion, champion, on[:2])
    for one, other in zip(compared.challenger, compared.champion, strict=True):
        np.testing.assert_array_equal(one, other)
    assert compared.failed == 0
    assert -0.2 < float(np.concatenate(compared.challenger).mean()) < 0
