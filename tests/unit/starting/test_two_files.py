"""Two files, a history and new rows: what both have is proposed, and nothing that would differ between them."""

from pathlib import Path

from daybreak.starting.csv_file import read_csv, read_texts
from daybreak.starting.csv_format import CsvFormat
from daybreak.starting.scaffold import find_target
from daybreak.starting.two_files import with_history

HISTORY = "claim,reported,amount,fraud,settled\n" + "".join(
    f"{n},2025-0{n % 9 + 1}-11,{n % 50},{'yes' if n % 3 == 0 else 'no'},{n}\n" for n in range(1, 301)
)
NEW = "claim,reported,amount\n" + "".join(f"{n},2026-11-2{n % 8},{n % 50}\n" for n in range(301, 361))


def test_a_time_is_not_held_against_the_day_of_the_run_which_is_far_from_old_rows(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(HISTORY)
    (tmp_path / "new.csv").write_text(NEW)
    history = read_csv(tmp_path / "history.csv", ["claim"], CsvFormat())
    target = find_target(history, "fraud", "yes")
    both = with_history(history, read_texts(tmp_path / "new.csv", ["claim"], CsvFormat()), target.column)
    left_out = both.proposal(target).left_out
    assert left_out["reported"].endswith("the days between it and another date of the row")
    assert left_out["settled"] == "which the new rows do not have"
