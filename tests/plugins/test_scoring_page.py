"""The page of a pipeline's DAG says what is true of its declaration, and opens with what its file says."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daybreak.declaration.pipeline import ModelRef, PerSegment, Pipeline, Push, Top
from daybreak.declaration.prediction import Prediction
from daybreak_airflow import scoring_dag

PUBLISHED = Pipeline(
    name="shelf_demand",
    description="Units that each shelf will sell.",
    timezone="Asia/Tokyo",
    entity_key=("store", "shelf"),
    model=ModelRef("shelf_model"),
    prediction=Prediction("units", low=0, high=1_500),
    expectations="shelves:suite",
    training="shelves:train",
    history_days=14,
    max_quarantined_share=0.125,
    max_failed_share=0.002,
)
CLASSES = Prediction("mood", 0, 1, method="predict_proba", classes=("calm", "busy"))
QUANTILES = Prediction("units", 0, 9, quantiles=(0.1, 0.9))
PUSH = Push(connection="tills", offers="shelves:Offers", scores="shelves:scores", max_staleness=timedelta(hours=36))
SEGMENTS = PerSegment("aisle", {"cold": ModelRef("cold_model"), "dry": ModelRef("dry_model", "blessed")})


def page(pipeline: Pipeline, **arguments: Any) -> str:
    return str(scoring_dag(pipeline, **arguments).doc_md)


def facts(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| \*\*(.+?)\*\* \| (.*) \|$", text, re.M))


def section(text: str, heading: str) -> str:
    return text.partition(f"### {heading}\n")[2].partition("\n### ")[0]


def test_it_opens_with_what_the_file_says() -> None:
    assert page(PUBLISHED, doc_md="\nSpecial *words*.\n").startswith("Special *words*.\n\n| | |\n|---|---|\n")
    assert page(PUBLISHED).startswith("| | |\n")
    assert page(PUBLISHED, doc_md="").startswith("| | |\n")


def test_what_the_file_says_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    """Airflow reads a ``doc_md`` that ends with .md as a path."""
    (tmp_path / "page.md").write_text("From a file.\n")
    assert page(PUBLISHED, doc_md=str(tmp_path / "page.md")).startswith("From a file.\n\n| | |\n")


def test_of_a_published_pipeline_it_says_what_is_declared() -> None:
    assert facts(page(PUBLISHED)) == {
        "Partition": "one calendar day in Asia/Tokyo; the run after midnight scores the day that has just ended",
        "Grain": "one row per `store` and `shelf`",
        "Reads": "`sql/shelf_demand/extract.sql`: 14 days up to the partition's end",
        "Predicts": "`units`, from 0 to 1,500",
        "Writes": "`predictions.shelf_demand`; with `_as_of(instant)` behind it, what was there then",
        "Updates": "the asset `predictions.shelf_demand`",
        "Model": "`shelf_model`, alias `champion`, resolved once per run",
        "Tolerates": "12.5 % of the rows in quarantine (`ledger.quarantine`), and 0.2 % that cannot be scored",
    }


@pytest.mark.parametrize(
    ("changes", "fact", "told"),
    [
        ({"history_days": 1}, "Reads", "`sql/shelf_demand/extract.sql`: the day up to the partition's end"),
        ({"upstream": "deliveries"}, "Partition", "when `deliveries` has published it"),
        ({"upstream": "deliveries"}, "Reads", "one publication of `deliveries`"),
        ({"prediction": Prediction("mood", 0, 1, labels=("calm", "busy"))}, "Predicts", "`mood`, `calm` or `busy`"),
        ({"prediction": CLASSES}, "Predicts", "`mood`, `calm` or `busy`; the probability of each in `mood_calm` and"),
        ({"prediction": QUANTILES}, "Predicts", "from 0 to 9; the quantiles in `units_q10` and `units_q90`"),
        ({"top": Top(3, within=("store",))}, "Predicts", "published are the 3 highest of each `store`"),
        ({"model": ModelRef("shelf_model", "blessed")}, "Model", "alias `blessed`"),
        ({"model": SEGMENTS}, "Models", "by `aisle`, each resolved once per run; `cold`: `cold_model`"),
        ({"model": SEGMENTS}, "Models", "`dry`: `dry_model`, alias `blessed`; of any other: quarantined"),
        ({"model": replace(SEGMENTS, fallback=ModelRef("any"))}, "Models", "; of any other: `any`"),
        ({"shadow": "next"}, "Shadow", "the alias `next` scores the same rows, into `predictions.shelf_demand_shadow`"),
        ({"measures": "counts"}, "Measured", "as a whole: `ledger.performance`"),
        ({"measures": "counts", "measured_by": "aisle"}, "Measured", "as a whole, and for each `aisle`:"),
        ({"push": PUSH}, "Sends to", "the Airflow Connection `tills`"),
    ],
)
def test_each_part_of_a_declaration_is_told(changes: dict[str, Any], fact: str, told: str) -> None:
    assert told in facts(page(replace(PUBLISHED, **changes)))[fact]
    assert told not in facts(page(PUBLISHED)).get(fact, "")


def test_of_a_push_it_says_what_is_kept_and_how_to_resume() -> None:
    text = page(replace(PUBLISHED, push=replace(PUSH, max_staleness=timedelta(minutes=90))))
    assert not {"Writes", "Updates", "Shadow"} & facts(text).keys()
    assert "`daybreak push shelf_demand DAY --resume`" in section(text, "To resume a push")
    assert "more than 90 minutes ago is refused" in section(text, "To resume a push")
    assert "**Not kept**" in section(text, "What is kept")
    assert "`not pushed: backfill`" in section(text, "If `push` was skipped")
    assert "run a day again" not in text
    assert "more than 36 hours ago" in page(replace(PUBLISHED, push=PUSH))


def test_how_to_run_a_day_again_follows_from_what_starts_a_run() -> None:
    assert "*Trigger → Backfill*" in section(page(PUBLISHED), "To run a day again")
    downstream = section(page(replace(PUBLISHED, upstream="deliveries")), "To run a day again")
    assert downstream.strip().startswith("Run `deliveries` again: its publication starts this one.")


@pytest.mark.parametrize("upstream", [None, "deliveries"])
def test_a_schedule_of_its_own_is_not_told_as_the_declared_one(upstream: str | None) -> None:
    text = page(replace(PUBLISHED, upstream=upstream), schedule=None)
    assert "midnight" not in text
    assert "starts" not in text.replace("when a run starts is said in this DAG's own file", "")
    assert "Backfill*" not in text


def test_every_task_and_every_parameter_is_there_given_ones_too() -> None:
    dag = scoring_dag(replace(PUBLISHED, shadow="next"), params={"region": "east"})
    for task_id in dag.task_ids:
        assert re.search(rf"^\* `{task_id}`: [a-z].+\.$", section(str(dag.doc_md), "Tasks"), re.M), task_id
    parameters = section(str(dag.doc_md), "Parameters")
    assert re.findall(r"^\* `(\w+)`", parameters, re.M) == list(dag.params)
    assert "* `model_version`: use this model version, not the champion." in parameters


@pytest.mark.parametrize("hostile", ["a|b", "a`b", "a\nb", "*a*", "<b>", "[a](http://x)"])
def test_a_name_means_nothing_else_on_the_page(hostile: str) -> None:
    text = page(replace(PUBLISHED, entity_key=(hostile,), model=PerSegment("aisle", {hostile: ModelRef("m")})))
    [row] = [line for line in text.splitlines() if line.startswith("| **Grain**")]
    assert re.fullmatch(r"\| \*\*Grain\*\* \| one row per `[^`\n]+` \|", row)
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert len(facts(text)) == len(facts(page(PUBLISHED)))
