"""docs/pipeline-by-hand.md: its files are put in their places, and its commands are run in their order."""

import re
import shlex
import sys

from command_line import Daybreak
from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace

PAGE = (PROJECT / "docs" / "pipeline-by-hand.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.S))
[TABLE] = re.findall(r"<!-- table -->\n```sql\n(.*?)```", PAGE, re.S)
[REGISTER] = re.findall(r"<!-- register -->\n```python\n(.*?)```", PAGE, re.S)
[COMMANDS] = re.findall(r"<!-- commands -->\n```sh\n(.*?)```", PAGE, re.S)


def test_the_pages_files_make_a_pipeline_that_is_trained_run_and_measured(
    daybreak: Daybreak, settings: Settings
) -> None:
    workspace = Workspace(settings)
    with workspace.warehouse.begin() as connection:
        for statement in TABLE.split(";\n")[:3]:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    for path, text in (FILES | {"include/retail/__init__.py": REGISTER}).items():
        place = settings.project / path.replace("retail", "telephony")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("retail.", "telephony."), encoding="utf-8")
    for module in [name for name in sys.modules if name.split(".")[0] == "telephony"]:
        del sys.modules[module]
    said = {}
    for line in COMMANDS.splitlines():
        program, *arguments = shlex.split(line)
        assert program == ".venv/bin/daybreak"
        code, out, err = daybreak(*arguments)
        assert code == 0, f"{line}\n{out}\n{err}"
        said[arguments[0]] = out
    assert "predicted_loans" in said["tables"]
    assert "trained through 2026-10-22" in said["train"]
    assert "poisson_deviance" in said["train"]
    with workspace.warehouse.begin() as connection:
        ask = connection.exec_driver_sql
        days = ask("SELECT count(DISTINCT partition_date), count(*) FROM predictions.branch_loans").one()
        measured = ask(
            "SELECT count(*) FROM ledger.performance WHERE metric = 'poisson_deviance' AND segment_by = ''"
        ).scalar_one()
    workspace.close()
    assert tuple(days) == (12, 72)
    # What the day after the newest one brings is not known.
    assert measured == 11


def test_every_file_that_the_page_lists_is_written_on_it() -> None:
    listed = re.findall(r"^\| `((?:include|sql|dags)/\S+)` \|", PAGE, re.M)
    assert set(listed) - {"include/retail/__init__.py"} == set(FILES)
