"""What is said of a CSV file: how each column is read, what it is for, and the share of rows that are positive."""

from pathlib import Path

import pytest

from csv_files import write
from daybreak.cli.files import print_file
from daybreak.starting.csv_file import read_csv
from daybreak.starting.proposals import propose
from daybreak.starting.scaffold import find_target


def test_each_column_is_told_with_its_use_and_why_it_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = ["Yes"] * 10 + ["No"] * 20 + [""] * 10
    rows = [f"M{n},{n % 5}.5,?,{outcome}" for n, outcome in enumerate(outcomes)]
    file = read_csv(write(tmp_path / "members.csv", "member,fee,note,left", rows), ["member"])
    target = find_target(file, "left", None)
    print_file(file, target, propose(file, target.column))
    *lines, share = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    told = {line.split()[0]: line for line in lines}
    assert "key" in told["member"]
    assert "feature" in told["fee"]
    assert "target" in told["left"]
    assert "left out: " in told["note"]
    assert "'?' read as empty" in told["note"]
    assert share == "left is Yes in 10 of the 30 rows that have it (33.3%)."
