"""A pipeline made by `daybreak new`: trained and run on a real warehouse, hostile files included."""

import csv
import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from mlflow import MlflowClient
from upath import UPath

from command_line import Daybreak
from csv_files import NOT_BILLED, telco, write
from daybreak.declaration.source_tables import StateTable
from daybreak.errors import DaybreakError, SourceRefused
from daybreak.settings import Settings
from daybreak.training import Classification

from .conftest import CUSTOMERS, FIRST, SECOND, Made, new


def test_a_made_pipeline_is_trained_run_and_published(churn: Made) -> None:
    assert churn.ask("SELECT count(*), count(total_charges), min(as_of) FROM sources.churn") == [
        (CUSTOMERS, CUSTOMERS - NOT_BILLED, FIRST)
    ]
    version, trained = churn.train()
    assert version.trained_through == FIRST
    assert trained.metrics["log_loss"] == min(candidate.metrics["log_loss"] for candidate in trained.candidates)
    outcome = churn.run()
    assert (outcome.counts.rows_scored, outcome.counts.rows_quarantined) == (CUSTOMERS, 0)
    [(rows, low, high)] = churn.ask(
        "SELECT count(*), min(churn_probability), max(churn_probability) FROM predictions.churn"
    )
    assert rows == CUSTOMERS
    assert 0 <= low < 0.2 < 0.8 < high <= 1


def test_who_churned_gets_the_higher_probabilities(trained: Made) -> None:
    trained.run()
    means = dict(
        trained.ask(
            "SELECT source.churn, avg(churn_probability) FROM predictions.churn INNER JOIN sources.churn AS source "
            "USING (customer_id) GROUP BY 1"
        )
    )
    assert means["Yes"] > means["No"] + 0.3


def test_the_three_candidates_are_runs_below_the_registered_one(trained: Made) -> None:
    version, learned = trained.first
    client = MlflowClient(trained.workspace.registry_url, trained.workspace.registry_url)
    runs = client.search_runs([client.get_experiment_by_name("churn").experiment_id])
    parent = client.get_model_version("churn", str(version.version)).run_id
    below = {run.info.run_name: run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent}
    assert set(below) == {"logistic regression", "random forest", "gradient boosting", "share of positives"}
    [chosen] = [name for name, run in below.items() if run.data.tags["chosen"] == "true"]
    assert learned.parameters["model"] == chosen
    assert below[chosen].data.metrics["f1"] == pytest.approx(version.metrics["f1"])
    assert {"accuracy", "precision", "recall", "f1"} <= set(below["random forest"].data.metrics)


def test_pictures_and_importances_lie_beside_the_chosen_model(trained: Made) -> None:
    version, _ = trained.first
    beside = UPath(version.uri).parent
    assert sorted(path.name for path in (beside / "pictures").iterdir()) == ["calibration.png", "importances.png"]
    lines = list(csv.DictReader(io.StringIO((beside / "importances.csv").read_text())))
    assert {line["feature"] for line in lines} == set(version.signature.names)
    assert float(lines[0]["importance"]) > 0


def test_training_twice_gives_the_same_model(trained: Made) -> None:
    (_, first), (_, second) = trained.first, trained.train()
    assert first.candidates == second.candidates
    assert (first.model.predict_proba(first.sample) == second.model.predict_proba(second.sample)).all()


def test_days_before_the_file_are_refused_and_days_after_it_read_it(trained: Made) -> None:
    with pytest.raises(DaybreakError, match="The source begins on 2026-03-02"):
        trained.run(date(2026, 3, 1))
    assert trained.run(SECOND).counts.rows_scored == CUSTOMERS


def test_training_as_of_a_day_sees_nothing_later(trained: Made, daybreak: Daybreak, tmp_path: Path) -> None:
    _, first = trained.first
    daybreak("load-csv", "churn", telco(tmp_path / "newer.csv", CUSTOMERS + 20), "--as-of", SECOND)
    _, again = trained.train(through=date(2026, 3, 3))
    assert (again.trained_through, again.candidates) == (FIRST, first.candidates)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM sources.churn", "The source holds no data."),
        ("DROP TABLE sources.churn", "The source holds no data."),
        ("UPDATE sources.churn SET churn = NULL", "no row with a known churn"),
        ("UPDATE sources.churn SET churn = 'No'", "churn is 'Yes' in 0 of the"),
        ("UPDATE sources.churn SET churn = 'Yes'", "both classes are needed"),
        ("DELETE FROM sources.churn WHERE customer_id > '0001'", "both classes are needed"),
        ("ALTER TABLE sources.churn ALTER gender TYPE date USING date '2026-03-01'", "gender is neither a number nor"),
    ],
    ids=lambda value: value[:45],
)
def test_what_nothing_can_be_learned_from_is_refused_and_nothing_registered(
    change: str, problem: str, churn: Made
) -> None:
    churn.ask(change)
    with pytest.raises(SourceRefused) as refused:
        churn.train()
    assert problem in str(refused.value)
    assert "Next: " in str(refused.value)
    assert churn.workspace.registry.versions("churn") == []


@pytest.mark.parametrize(
    ("declared", "missing"),
    [({"target": "gone"}, "gone"), ({"as_of": "told_on"}, "told_on"), ({"target": "a", "as_of": "b"}, "a, b")],
)
def test_columns_that_training_sql_lacks_are_named(declared: dict[str, str], missing: str, churn: Made) -> None:
    churn.pipeline = replace(churn.pipeline, training=Classification(positive="Yes", **declared))
    with pytest.raises(SourceRefused, match=f"training.sql gives no column {missing}. Next: "):
        churn.train()


def test_a_training_may_have_a_target_of_its_own(churn: Made) -> None:
    churn.ask("ALTER TABLE sources.churn RENAME as_of TO told_on")
    churn.ask("ALTER TABLE sources.churn ADD COLUMN as_of date DEFAULT '2026-03-01'")
    query = churn.workspace.sql(churn.pipeline, "extract")
    query.write_text(query.read_text().replace("as_of", "told_on"))
    (query.parent / "training.sql").write_text(
        "-- One row per customer.\nSELECT customer_id, tenure, monthly_charges, contract, churn AS left_us, told_on\n"
        "FROM sources.churn\n"
    )
    states = StateTable(table="sources.churn", as_of="told_on")
    churn.pipeline = replace(churn.pipeline, reads=states, training=Classification(positive="Yes", target="left_us"))
    version, _ = churn.train()
    assert (version.trained_through, "left_us" in version.signature.names) == (FIRST, False)


def test_a_value_never_seen_is_quarantined_and_the_others_scored(trained: Made) -> None:
    trained.ask("UPDATE sources.churn SET contract = 'Weekly' WHERE customer_id < '0004'")
    trained.ask("UPDATE sources.churn SET tenure = NULL WHERE customer_id = '0100-MADE'")
    counts = trained.run().counts
    assert (counts.rows_quarantined, counts.rows_scored, counts.rows_failed) == (5, CUSTOMERS - 5, 0)


def test_empty_cells_that_training_never_saw_are_scored(trained: Made) -> None:
    trained.ask("UPDATE sources.churn SET total_charges = NULL WHERE customer_id < '0300'")
    assert trained.run().counts.rows_scored == CUSTOMERS


@pytest.mark.parametrize(
    ("header", "rows", "key", "target"),
    [
        (
            '\ufeff"select","a ""b""; --",Größe,"x\ny","%s {} :bind",run_id,churn_probability,Yes\'no',
            [
                f'k{n},"it\'s {n % 3}\nnew line",{n % 7}.5,{n % 2},-{n},{n % 9},{n % 4 / 4},{"ny"[n % 2]}'
                for n in range(99)
            ],
            "select",
            "Yes'no",
        ),
        ("id,flag,zip,n", [f"{n:05d},{n % 2 == 0},{n % 5:05d},{n % 2 + n % 3 / 9}" for n in range(99)], "id", "flag"),
        (
            "churn_probability,churn,n",
            [f"{n},{n % 2},{n % 2 + n % 3 / 9}" for n in range(99)],
            "churn_probability",
            "churn",
        ),
    ],
    ids=["hostile", "codes", "taken"],
)
def test_hostile_files_become_pipelines_that_run(
    header: str, rows: list[str], key: str, target: str, daybreak: Daybreak, settings: Settings, tmp_path: Path
) -> None:
    code, out, err = daybreak(*new(write(tmp_path / "hostile.csv", header, rows), key, target))
    assert (code, err) == (0, "")
    assert "Loaded: sources.churn, as of 2026-03-02" in out
    made = Made(settings)
    made.train()
    assert made.run().counts.rows_scored == 99
    made.workspace.close()
