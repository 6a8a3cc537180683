"""The commands on a real warehouse: what they print, as JSON and for people, and how they end."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from command_line import Daybreak
from daybreak.models.aliases import Decision
from daybreak.settings import Settings
from parcels import DAY, SHORT_DAY, TRAINED_THROUGH, Parcels

EARLIEST = TRAINED_THROUGH + timedelta(days=1)


@pytest.mark.parametrize("command", [["load-demo"], ["local", "demo"], ["local", "up", "--demo"]])
def test_the_demonstration_is_kept_out_of_a_warehouse_that_the_settings_name(
    daybreak: Daybreak, command: list[str]
) -> None:
    code, _, err = daybreak(*command)
    assert code == 1
    assert "DAYBREAK_WAREHOUSE_URL names a warehouse" in err
    assert "--into-named-warehouse" in err


def test_a_run_is_printed_and_published(daybreak: Daybreak, parcels: Parcels) -> None:
    code, out, _ = daybreak("run", "parcel_hours", "--partition", SHORT_DAY)
    assert code == 0
    assert "published" in out
    assert "400" in out
    assert len(parcels.forecasts(SHORT_DAY)) == 400


def test_a_dry_run_publishes_nothing(daybreak: Daybreak, parcels: Parcels) -> None:
    before = parcels.shown()
    code, out, _ = daybreak("run", "parcel_hours", "--partition", SHORT_DAY, "--dry-run")
    assert (code, "dry run" in out) == (0, True)
    assert parcels.shown() == before
    assert parcels.last_run()["state"] == "checked"


def test_a_refused_run_is_one_line_with_the_place_and_the_next_step(daybreak: Daybreak) -> None:
    code, out, err = daybreak("run", "parcel_hours", "--partition", "2024-02-30")
    assert (code, out) == (1, "")
    assert err == (
        "error parcel_hours 2024-02-30: '2024-02-30' is not a partition key. "
        "Next: give a day as YYYY-MM-DD, for example 2026-10-15.\n"
    )


def test_a_failed_run_is_one_line_and_stays_in_the_list_with_its_reason(daybreak: Daybreak, parcels: Parcels) -> None:
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = 1000")
    code, out, err = daybreak("run", "parcel_hours", "--partition", DAY)
    assert (code, out) == (1, "")
    [message] = [line for line in err.splitlines() if line.startswith("error ")]
    assert message.startswith(f"error parcel_hours {DAY}: 400 of 400 rows (100.0%) break a critical expectation")
    code, out, err = daybreak("runs")
    assert (code, err) == (0, "")
    assert f"failed: {message.removeprefix('error ')}" in out


def test_a_backfill_goes_on_after_a_day_that_is_refused_and_ends_with_1(daybreak: Daybreak, parcels: Parcels) -> None:
    code, out, err = daybreak("backfill", "parcel_hours", "2024-03-12", "2024-03-13")
    assert code == 1
    assert "published" in out
    assert [line for line in err.splitlines() if line.startswith("error ")] == [
        "error parcel_hours 2024-03-13: The source holds nothing of this day or a later one; its last day is "
        "2024-03-12. Next: wait until the day has landed, then run the partition again."
    ]
    assert [row[0].day for row in parcels.rows("SELECT partition_date FROM ledger.publications ORDER BY 1")] == [9, 12]


def test_runs_are_listed_for_programs_and_for_people(daybreak: Daybreak, printed: Callable[..., Any]) -> None:
    daybreak("run", "parcel_hours", "--partition", SHORT_DAY)
    newest, first = printed("runs", "parcel_hours")
    assert (newest["partition_key"], newest["state"], newest["current"]) == (str(SHORT_DAY), "published", True)
    assert (first["rows_extracted"], first["trigger"]) == (400, "command line")
    assert [row["run_id"] for row in printed("runs", "--limit", 1)] == [newest["run_id"]]
    code, out, _ = daybreak("runs")
    assert code == 0
    assert str(SHORT_DAY) in out


def test_a_run_is_shown_in_full(daybreak: Daybreak, printed: Callable[..., Any], parcels: Parcels) -> None:
    found = printed("show", "parcel_hours", DAY)
    assert found["run"]["run_id"] == parcels.current()[0]
    levels = ["critical", "critical", "warning", "critical", "warning"]
    assert [row["severity"] for row in found["expectations"]] == levels
    assert [row["reason"] for row in found["publications"]] == ["run"]
    code, out, err = daybreak("show", "parcel_hours", DAY)
    assert (code, err) == (0, "")
    for text in ("published", "rows extracted", "parcel_hours version 1", "column_values_to_not_be_null", "digest"):
        assert text in out


def test_a_day_that_never_ran_is_refused_with_the_command_that_runs_it(daybreak: Daybreak) -> None:
    for arguments in (["show"], ["reproduce"], ["rollback"], ["replay"]):
        code, out, err = daybreak(*arguments, "parcel_hours", "2024-03-06")
        assert (code, out) == (1, "")
        assert err.startswith("error parcel_hours 2024-03-06: ")
        assert "Next: " in err
        assert err.count("\n") == 1


def test_rolling_back_says_which_run_is_current_again(daybreak: Daybreak, parcels: Parcels) -> None:
    [first] = parcels.current()
    daybreak("run", "parcel_hours", "--partition", DAY)
    code, out, err = daybreak("rollback", "parcel_hours", DAY)
    assert (code, out, err) == (0, f"parcel_hours {DAY}: run {first} is the current one again.\n", "")
    assert parcels.current() == [first]


def test_reproducing_says_how_many_predictions_differ(
    daybreak: Daybreak, printed: Callable[..., Any], parcels: Parcels
) -> None:
    assert printed("reproduce", "parcel_hours", DAY)["different"] == 0
    [run] = parcels.current()
    parcels.execute(f"UPDATE predictions.parcel_hours_runs SET predicted_hours = 0 WHERE run_id = {run}")
    code, out, err = daybreak("reproduce", "parcel_hours", DAY)
    assert (code, err) == (1, "")
    assert f"Run {run}: 400 predictions derived again, 400 differ." in out


def test_model_versions_are_listed_with_alias_and_metrics(daybreak: Daybreak, printed: Callable[..., Any]) -> None:
    [version] = printed("models")
    assert (version["name"], version["version"], version["aliases"]) == ("parcel_hours", 1, ["champion"])
    assert version["metrics"]["rmse"] < version["metrics"]["baseline_rmse"]
    code, out, _ = daybreak("models", "parcel_hours")
    assert (code, "champion" in out) == (0, True)


def test_training_prints_the_model_beside_its_baseline(daybreak: Daybreak, printed: Callable[..., Any]) -> None:
    code, out, _ = daybreak("train", "parcel_hours", "--through", "2024-03-08", "--no-promote")
    assert code == 0
    assert "parcel_hours version 2, trained through 2024-03-07" in out
    assert "It is the challenger, the champion is unchanged. Next: `daybreak promote parcel_hours`." in out
    assert {v["version"]: v["aliases"] for v in printed("models")} == {1: ["champion"], 2: ["challenger"]}


def test_the_history_of_the_champion_is_shown_and_what_was_before_it_declared(
    daybreak: Daybreak, printed: Callable[..., Any]
) -> None:
    [moved] = printed("history", "parcel_hours")
    assert (moved["version"], moved["outcome"], moved["until"]) == (1, "moved", None)
    # What a first training tells to do is what can be done.
    told = f"daybreak history parcel_hours --declare 1 --since {EARLIEST}"
    code, out, _ = daybreak(*told.split()[1:])
    assert code == 0
    assert out.startswith("Declared. The alias is unchanged.\n")
    [declared] = [line.split() for line in out.splitlines() if "declared" in line]
    assert declared[0] == str(EARLIEST)
    assert "command line" in " ".join(declared)
    code, out, _ = daybreak(*told.split()[1:])
    assert (code, out.splitlines()[0]) == (0, "It is known already, nothing was written.")
    assert [row["outcome"] for row in printed("history", "parcel_hours")] == ["moved", "declared"]
    code, out, _ = daybreak("backfill", "parcel_hours", DAY, DAY, "--policy", "as_of")
    assert code == 0
    assert "as was declared" in daybreak("show", "parcel_hours", DAY)[1]
    assert printed("show", "parcel_hours", DAY)["run"]["model_policy"] == "as_of_declared"


def test_a_version_that_was_refused_does_not_look_like_one_in_force(daybreak: Daybreak, parcels: Parcels) -> None:
    parcels.workspace.aliases(parcels.pipeline.single_ref).refuse(7, Decision("no better"))
    _, out, _ = daybreak("history", "parcel_hours")
    [refused] = [line.split() for line in out.splitlines() if "no better" in line]
    # Neither since nor until; when it was written down stands behind the outcome.
    assert refused[:5] == ["-", "-", "7", "1", "refused"]
    assert refused[5].startswith("20")


@pytest.mark.parametrize("alone", [("--declare", 1), ("--since", EARLIEST)])
def test_a_declaration_names_both_version_and_day(daybreak: Daybreak, alone: tuple[object, ...]) -> None:
    code, _, err = daybreak("history", "parcel_hours", *alone)
    assert code == 2
    assert "give both --declare and --since" in err


def test_what_becomes_the_first_champion_can_be_declared_for_the_days_before(
    daybreak: Daybreak, parcels: Parcels
) -> None:
    parcels.execute("DELETE FROM registered_model_aliases")
    code, out, _ = daybreak("train", "parcel_hours", "--through", "2024-03-08")
    assert code == 0
    assert f"declare since when: `daybreak history parcel_hours --declare 2 --since {EARLIEST}`." in out


@pytest.mark.parametrize("command", ["promote", "demote"])
def test_of_several_models_one_has_to_be_named(daybreak: Daybreak, command: str) -> None:
    code, _, err = daybreak(command, "parcel_carriers")
    assert code != 0
    assert "Next: name one with `--model`: carriers_near, carriers_middling, carriers_any." in err


@pytest.mark.parametrize("command", ["promote", "demote"])
def test_the_model_that_is_named_is_the_one_that_is_meant(daybreak: Daybreak, command: str) -> None:
    code, _, err = daybreak(command, "parcel_carriers", "--model", "carriers_near")
    assert code != 0
    assert err.strip().startswith(("error carriers_near has had no champion", "error Model carriers_near has no alias"))


def test_the_url_is_the_warehouses_own(daybreak: Daybreak, settings: Settings) -> None:
    assert settings.warehouse_url is not None
    code, out, err = daybreak("url")
    assert (code, err) == (0, "")
    # Clients other than SQLAlchemy know no driver in it.
    own = sa.make_url(settings.warehouse_url.get_secret_value()).set(drivername="postgresql")
    assert sa.make_url(out.strip()) == own


def test_the_status_of_a_stack_that_is_down_is_told(daybreak: Daybreak, printed: Callable[..., Any]) -> None:
    found = printed("local", "status")
    assert [component["name"] for component in found][:2] == ["postgres", "up"]
    assert not any(component["healthy"] for component in found)
    assert daybreak("local", "status")[0] == 0
    assert daybreak("local", "down")[:2] == (0, "Nothing was running.\n")


def test_tables_are_shown_and_then_seen_to(daybreak: Daybreak, parcels: Parcels) -> None:
    parcels.execute("COMMENT ON COLUMN parcels.handed_in.depot IS 'Where it was handed in.'")
    code, out, err = daybreak("tables", "parcel_hours", "--dry-run")
    assert (code, err) == (0, "")
    statement = 'COMMENT ON COLUMN predictions."parcel_hours_runs"."depot" IS \'Where it was handed in.\';'
    assert statement in out.splitlines()
    assert daybreak("tables", "parcel_hours", "--dry-run")[1] == out, "a dry run changes nothing"
    code, out, err = daybreak("tables", "parcel_hours")
    assert (code, err) == (0, "")
    assert "  say what depot in predictions.parcel_hours_runs is" in out.splitlines()
    assert daybreak("tables", "parcel_hours")[1] == "parcel_hours: nothing to do.\n"


def test_tables_of_all_pipelines_are_seen_to_and_what_is_refused_does_not_stop_the_others(
    daybreak: Daybreak, parcels: Parcels
) -> None:
    parcels.execute(
        "DROP VIEW predictions.parcel_hours, predictions.parcel_hours_ever",
        "ALTER TABLE predictions.parcel_hours_runs RENAME predicted_hours TO hours",
    )
    code, out, err = daybreak("tables")
    assert code == 1
    assert [line.partition(":")[0] for line in err.splitlines()] == ["error parcel_hours"]
    assert "they have no predicted_hours, which is what is predicted" in err
    assert "make table predictions.parcel_classes_runs" in out
    assert "make table predictions.parcel_carriers_runs" in out


def test_a_pipeline_that_pushes_has_no_tables(daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBREAK_PIPELINES", "retail")
    code, _, err = daybreak("tables", "daily_promotions")
    assert code == 1
    assert "daily_promotions pushes what it predicts, and keeps it in no table. Next: name a pipeline that" in err


def test_what_publishing_again_would_change_and_has_changed_is_shown(
    daybreak: Daybreak, printed: Callable[..., Any], parcels: Parcels
) -> None:
    parcels.execute("DELETE FROM parcels.handed_in WHERE parcel_id = 8000")
    code, out, _ = daybreak("diff", "parcel_hours", DAY, "--dry-run", "--by", "depot")
    assert code == 0
    assert "run 1 against a dry run" in out
    assert re.search(r"all +1 +0 +0 +399", out)
    code, _, err = daybreak("diff", "parcel_hours", DAY)
    assert code == 1
    assert "published once only" in err
    parcels.run()
    found = printed("diff", "parcel_hours", DAY)
    assert [sum(s[name] for s in found["segments"]) for name in ("left", "came", "differ", "same")] == [1, 0, 0, 399]
    assert daybreak("diff", "parcel_hours", DAY, 1)[0] == 2


def test_days_that_are_missing_or_failed_are_listed_planned_and_run(
    daybreak: Daybreak, printed: Callable[..., Any], parcels: Parcels
) -> None:
    code, out, _ = daybreak("backfill", "parcel_hours", DAY, SHORT_DAY, "--missing", "--dry-run")
    assert code == 0
    assert re.search(rf"{SHORT_DAY} +never run +1 *\n", out)
    assert "run 1 is current" not in out
    assert "1 partition, about 0:00:" in out
    listed = {row["partition_key"]: row for row in printed("runs", "parcel_hours", "--missing", "--limit", 10_000)}
    assert listed[str(SHORT_DAY)] == {"pipeline": "parcel_hours", "partition_key": str(SHORT_DAY), "now": "never run"}

    assert daybreak("backfill", "parcel_hours", DAY, SHORT_DAY, "--missing")[0] == 0
    assert [len(parcels.forecasts(day)) for day in (DAY, SHORT_DAY)] == [400, 400]
    assert parcels.value("SELECT count(*) FROM ledger.runs") == 2
    code, out, _ = daybreak("backfill", "parcel_hours", DAY, SHORT_DAY, "--missing", "--failed")
    assert (code, out) == (0, f"parcel_hours {DAY} to {SHORT_DAY}: no day is failed or missing.\n")
    assert parcels.value("SELECT count(*) FROM ledger.runs") == 2


def test_the_doctor_ends_with_1_where_anything_is_missing(
    daybreak: Daybreak, printed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {found["next_step"] for found in printed("doctor")} == {None}
    monkeypatch.setenv("DAYBREAK_MODELS_URI", "file:///proc/self")
    code, out, _ = daybreak("doctor")
    assert code == 1
    assert re.search(r"^missing  models: file:///proc/self: .*\n         Next: see that it is there", out, re.M)
    assert re.search(r"^ok       python: 3\.", out, re.M)
