"""Pipelines that `daybreak new` makes of one file with several targets: each kind is trained, run and measured."""

from pathlib import Path

import pytest

from command_line import Daybreak
from csv_files import write
from daybreak.settings import Settings
from daybreak.workspace import Workspace

from .conftest import FIRST, SECOND

# Labels as somebody has them; that of no letter that a column's name can have comes in a tenth of the rows.
CAUSES = ("storm damage", 'it\'s "fire"', "Wasserschäden", "盗难")


def claims(path: Path, numbers: range, target: str, *, known: bool = True) -> Path:
    """Write claims whose cause and cost follow from their amount and region, as far as they are known."""
    rows = []
    for number in numbers:
        amount, region = number * 7919 % 900, number * 104_729 % 3
        noise = number * 31_337 % 100
        cause = CAUSES[3] if noise < 10 else CAUSES[region]
        # One that comes once is no class.
        cause = "unheard-of" if number == 7 else cause.replace('"', '""')
        told = {"Cause": f'"{cause}"', "Cost": f"{amount * (1 + region) + noise}.5"}[target]
        rows.append(f"C{number:05d},{amount},{('north', 'south', 'east')[region]},{told if known else ''}")
    return write(path, f"Claim ID,Amount,Region,{target}", rows)


@pytest.mark.parametrize(
    ("target", "metric", "told", "columns"),
    [
        (
            "Cause",
            "log_loss",
            "Cause is one of 4 classes in the 500 rows: ",
            "max(predicted_cause_storm_damage + predicted_cause_it_s_fire + predicted_cause_wasserschaden) < 1, "
            "count(DISTINCT predicted_cause) > 2",
        ),
        (
            "Cost",
            "rmse",
            "Cost is a number, measured as amounts, in the 500 rows.",
            "max(predicted_cost) > 1000, min(predicted_cost) < 200",
        ),
    ],
    ids=["classes", "amounts"],
)
def test_each_kind_of_target_is_trained_run_and_measured(
    target: str, metric: str, told: str, columns: str, daybreak: Daybreak, settings: Settings, tmp_path: Path
) -> None:
    def done(*arguments: object) -> str:
        code, out, err = daybreak(*arguments)
        assert code == 0, f"{arguments}\n{out}\n{err}"
        return out

    first = claims(tmp_path / "claims.csv", range(500), target)
    said = done("new", "claims", "--from-csv", first, "--key", "Claim ID", "--target", target, "--as-of", FIRST)
    assert told in said
    assert ("Too few rows to be a class: unheard-of (1)." in said) == (target == "Cause")
    assert f"{metric} " in done("train", "claims").replace("│", " ")
    done("load-csv", "claims", claims(tmp_path / "new.csv", range(500, 600), target, known=False), "--as-of", SECOND)
    done("run", "claims", "--partition", SECOND)
    done("load-csv", "claims", claims(tmp_path / "told.csv", range(500, 600), target), "--as-of", "2026-03-06")
    done("measure", "claims")
    workspace = Workspace(settings)
    with workspace.warehouse.begin() as connection:
        ask = connection.exec_driver_sql
        [row] = ask(f"SELECT count(*), {columns} FROM predictions.claims").all()
        measured = ask(f"SELECT rows FROM ledger.performance WHERE metric = '{metric}' AND segment_by = ''").all()
    workspace.close()
    assert tuple(row) == (100, True, True)
    assert [tuple(row) for row in measured] == [(100,)]
