"""Aliases: the registry says what counts, the history says what was decided; neither loses the other, killed or not."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from daybreak.errors import ModelRefused
from daybreak.models.aliases import Aliases, Decision
from daybreak.promotion.promoting import demote
from daybreak.training.train import train
from models import constant, fitted
from parcels import DAY, Parcels
from processes import Death, ended, environment, start

KILLED = -signal.SIGKILL


def aliases(parcels: Parcels) -> Aliases:
    return parcels.workspace.aliases(parcels.pipeline.single_ref)


def register(parcels: Parcels) -> int:
    return parcels.register(*fitted(parcels, constant(500.0))).version


def agree(parcels: Parcels) -> int:
    """Return the version that registry and history both say is the champion."""
    aliases(parcels).settle()
    [(current,)] = parcels.rows("SELECT version FROM ledger.alias_history WHERE alias = 'champion' AND until IS NULL")
    assert current == aliases(parcels).current()
    assert parcels.value("SELECT count(*) FROM ledger.alias_history WHERE outcome = 'intended'") == 0
    return int(current)


MOMENTS = {
    "before it is written down": ("Aliases._write", 1, 2, ["moved"]),
    "before the registry is told": ("AliasStore.set", 1, 2, ["moved", "abandoned"]),
    "between the registry and the history": ("Aliases._conclude", 1, 1, ["moved", "moved"]),
    "within the history's transaction": ("Aliases._closed", 1, 1, ["moved", "moved"]),
}


@pytest.mark.parametrize(("function", "call", "champion", "outcomes"), MOMENTS.values(), ids=MOMENTS)
def test_a_move_that_is_killed_is_completed_or_abandoned(
    parcels: Parcels, function: str, call: int, champion: int, outcomes: list[str]
) -> None:
    assert register(parcels) == 2
    assert (
        ended(start(parcels.workspace.settings, "demote", "parcel_hours", death=Death(function=function, call=call)))
        == KILLED
    )
    # What runs use is what the registry says, at once; the history follows when anybody looks.
    assert parcels.plan().single_model.version == champion
    assert agree(parcels) == champion
    written = "SELECT outcome FROM ledger.alias_history WHERE model_name = 'parcel_hours' ORDER BY since OFFSET 1"
    assert [outcome for (outcome,) in parcels.rows(written)] == outcomes
    if outcomes[-1] == "moved" and len(outcomes) == 2:
        assert parcels.rows("SELECT reason FROM ledger.alias_history WHERE until IS NULL") == [
            ("version 2 was taken back",)
        ]
    assert ended(start(parcels.workspace.settings, "demote", "parcel_hours")) == (0 if champion == 2 else 1)
    assert agree(parcels) == 1


def test_two_who_move_at_once_one_wins_and_both_are_recorded(parcels: Parcels) -> None:
    versions = [register(parcels), register(parcels)]
    parcels.promote(1)

    def move(version: int) -> str:
        try:
            aliases(parcels).move(version, Decision("test"), expected=1)
        except ModelRefused as error:
            return str(error)
        return "moved"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(move, versions))
    assert sorted(outcome == "moved" for outcome in outcomes) == [False, True]
    winner = versions[outcomes.index("moved")]
    assert agree(parcels) == winner
    last = {row["version"]: row["outcome"] for row in reversed(aliases(parcels).history()[:2])}
    assert last == {winner: "moved", sum(versions) - winner: "refused"}


def test_what_mlflow_moves_is_written_down_and_what_daybreak_moves_mlflow_sees(parcels: Parcels) -> None:
    from mlflow import MlflowClient

    version = register(parcels)
    url = parcels.workspace.settings.registry_url.get_secret_value()  # type: ignore[union-attr]
    client = MlflowClient(url, url)
    assert int(client.get_model_version_by_alias("parcel_hours", "champion").version) == version
    client.set_registered_model_alias("parcel_hours", "champion", "1")
    assert agree(parcels) == 1
    assert aliases(parcels).history()[0]["reason"] == "found in the registry: it was moved outside of Daybreak"
    client.delete_registered_model_alias("parcel_hours", "champion")
    aliases(parcels).settle()
    assert aliases(parcels).history()[0]["outcome"] == "removed"
    assert parcels.rows("SELECT version FROM ledger.alias_history WHERE until IS NULL") == []


def test_an_alias_points_to_no_version_that_there_is_not(parcels: Parcels) -> None:
    with pytest.raises(ModelRefused, match="has no version 9"):
        parcels.promote(9)
    assert agree(parcels) == 1
    assert aliases(parcels).history()[0]["outcome"] == "abandoned"


def test_demoting_puts_the_champion_before_back_and_skips_what_was_taken_back(parcels: Parcels) -> None:
    second, third = register(parcels), register(parcels)
    model = parcels.pipeline.single_ref
    assert demote(parcels.workspace, model) == (third, second)
    assert demote(parcels.workspace, model) == (second, 1)
    with pytest.raises(ModelRefused, match=r"had no champion before this one\. Next: see `daybreak models`"):
        demote(parcels.workspace, model)
    parcels.promote(third)
    assert demote(parcels.workspace, model) == (third, 1)
    assert agree(parcels) == 1


def test_demoting_leaves_planned_runs_as_they_are(parcels: Parcels) -> None:
    second = register(parcels)
    plan = parcels.plan(DAY)
    demote(parcels.workspace, parcels.pipeline.single_ref)
    parcels.runner.run(plan)
    assert set(parcels.forecasts().values()) == {500.0}
    assert parcels.last_run()["model_version"] == second
    parcels.run(DAY)
    assert parcels.last_run()["model_version"] == 1


def test_demoting_is_one_command_that_loads_no_library_of_models(parcels: Parcels) -> None:
    register(parcels)
    heavy = ["mlflow", "sklearn", "skops", "pandas", "pyarrow", "great_expectations", "httpx", "numpy"]
    script = (
        "import sys; from daybreak.cli.app import app; app(['demote', 'parcel_hours'], standalone_mode=False); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    before = os.times()
    done: Any = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment(parcels.workspace.settings), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told, loaded = done.stdout.splitlines()
    assert told == "parcel_hours: version 1 is the champion again, version 2 is not any more."
    assert loaded == "[]"
    after = os.times()
    # What it computes, not what it waits for: other work on the machine must not decide.
    assert after.children_user + after.children_system - before.children_user - before.children_system < 2


def test_the_first_version_becomes_champion_and_later_ones_challenger(parcels: Parcels) -> None:
    from datetime import date

    parcels.execute("DELETE FROM registered_model_aliases")
    found = [train(parcels.workspace, parcels.pipeline, through=date(2024, 3, 8))[0][0].aliases for _ in range(2)]
    assert found == [("champion",), ("challenger",)]
    [(version, _)] = train(parcels.workspace, parcels.pipeline, through=date(2024, 3, 8), promote=False)
    assert version.aliases == ("challenger",)


def test_decisions_follow_each_other_also_where_the_clock_was_set_back(parcels: Parcels) -> None:
    parcels.execute("UPDATE ledger.alias_history SET since = since + interval '1 hour' WHERE alias = 'champion'")
    version = register(parcels)
    aliases(parcels).move(1, Decision("back"))
    rows = parcels.rows(
        "SELECT version, since, until FROM ledger.alias_history WHERE alias = 'champion' ORDER BY since"
    )
    assert [row[0] for row in rows] == [1, version, 1]
    assert all(before[2] == after[1] for before, after in pairwise(rows))
    assert agree(parcels) == 1
