"""docs/history-and-new-rows.md: claims of which 6 % are fraud, from two files to a challenger that takes over."""

import re
import shlex
from pathlib import Path

import pytest

from command_line import Daybreak
from csv_files import fraud, write
from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace

PAGE = (PROJECT / "docs" / "history-and-new-rows.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- commands -->\n```sh\n(.*?)```", PAGE, re.S)


def test_the_page_leads_from_two_files_to_a_challenger_that_takes_over(
    daybreak: Daybreak, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fraud(tmp_path / "claims_2025.csv", range(600))
    fraud(tmp_path / "new_claims.csv", range(600, 800), known=False)
    fraud(tmp_path / "claims_2026.csv", range(6_000))
    fraud(tmp_path / "newer_claims.csv", range(6_000, 6_150), known=False)
    said = []
    for line in [line for block in BLOCKS for line in block.splitlines()]:
        program, *arguments = shlex.split(line)
        assert program == ".venv/bin/daybreak"
        code, out, err = daybreak(*arguments)
        assert code == 0, f"{line}\n{out}\n{err}"
        said.append(out)
    made, trained, _, _, newer, measured, _, promoted, _ = said
    for line in re.search(r"```text\n(fraud is.*?)```", PAGE, re.S)[1].splitlines():  # type: ignore[index]
        assert line.replace("retail", "telephony") in made
    assert re.search(r"recovered .* left out: which the new rows do not have", made)
    assert "stratified folds" in trained
    assert "share of positives" in trained
    assert "sources.claims has 200 rows as of 2026-11-01" in newer
    assert re.search(r"200 +200", measured)
    assert "Version 2 is the champion now" in promoted
    for path, shown in re.findall(r"<!-- shown: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.S):
        assert (settings.project / path).read_text().strip() == shown.strip()
    workspace = Workspace(settings)
    with workspace.warehouse.begin() as connection:
        rows = connection.exec_driver_sql(
            "SELECT partition_date::text, model_version, count(*) FROM predictions.claims GROUP BY 1, 2 ORDER BY 1"
        ).all()
    workspace.close()
    assert [tuple(row) for row in rows] == [("2026-11-01", 1, 200), ("2026-11-08", 2, 150)]


def test_files_that_are_not_alike_and_a_history_where_there_is_none_are_refused(
    daybreak: Daybreak, settings: Settings, tmp_path: Path
) -> None:
    history = fraud(tmp_path / "history.csv", range(100))
    before = sorted(settings.project.rglob("*"))
    command = ("new", "claims", "--history", history, "--key", "claim_id", "--target", "fraud", "--from-csv")
    for name, header, row, problem in (
        ("other.csv", "claim_id,colour", "C1,red", "other.csv has no column of history.csv besides the key. Next: "),
        ("words.csv", "claim_id,months,amount", "C1,3,much", "line 2: column amount holds 'much', and amount of"),
        ("twice.csv", "claim_id,months", "C1,3\nC1,4", "occur more than once in twice.csv"),
        ("nobody.csv", "claim_id,months", ",3", "have no claim_id, the first on line 2. Next: "),
    ):
        code, out, err = daybreak(*command, write(tmp_path / name, header, [row]))
        assert (code, out, problem in err, err.count("\n")) == (1, "", True, 1), err
    assert sorted(settings.project.rglob("*")) == before
    code, _, err = daybreak(*command, write(tmp_path / "ok.csv", "claim_id,months,new", ["C1,3,7"]), "--no-load")
    assert code == 0, err
    module = settings.project / "include" / "telephony" / "claims.py"
    module.write_text(module.read_text().replace(', history="sources.claims_history"', ""))
    code, _, err = daybreak("load-csv", "claims", history, "--history")
    assert (code, "claims keeps no history apart. Next: leave `--history` out" in err) == (1, True), err


def test_a_history_loaded_as_new_rows_is_told_and_outcomes_in_other_letters_are_refused(
    daybreak: Daybreak, tmp_path: Path
) -> None:
    history = fraud(tmp_path / "history.csv", range(100))
    fresh = fraud(tmp_path / "new.csv", range(100, 120), known=False)
    command = ("--history", history, "--key", "claim_id", "--target", "fraud", "--from-csv", fresh, "--no-load")
    code, _, err = daybreak("new", "claims", *command)
    assert code == 0, err
    code, out, err = daybreak("load-csv", "claims", history, "--replace", "--as-of", "2026-11-02")
    assert "fraud is filled in 100 of the 100 rows, which are taken for new ones without it" in " ".join(out.split()), (
        err
    )
    otherwise = tmp_path / "otherwise.csv"
    otherwise.write_text(Path(history).read_text().replace("yes", "Yes"))
    code, out, err = daybreak("load-csv", "claims", otherwise, "--history", "--as-of", "2026-11-02")
    assert (code, "The target holds 'Yes', and 'yes' is declared. Next: write it in one way" in err) == (1, True), out
