"""docs/bring-your-model.md, its commands run in their order on a model of LightGBM that takes a category."""

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from command_line import Daybreak, commands
from daybreak.settings import PROJECT, Settings
from daybreak.workspace import Workspace
from parcels import NewDatabase, make_project

PAGE = (PROJECT / "docs" / "bring-your-model.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, re.S))
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.S))
# What was fitted elsewhere has learned that claims of the east are fraud; by now any high one is, as one in 20 others.
_SOURCE = """
CREATE SCHEMA insurer;
CREATE TABLE insurer.claims (
    claim_id bigint, day date, amount double precision, age integer, region text, fraud text
);
INSERT INTO insurer.claims
SELECT
    day * 1000 + n, date '2023-12-22' + day, (n * 37 + day * 211) % 900, 18 + (n * 7 + day) % 60,
    (ARRAY['north', 'south', 'east'])[1 + (n + day) % 3],
    CASE WHEN (n * 37 + day * 211) % 900 > 600 OR (n * 13 + day * 7) % 20 = 0 THEN 'yes' ELSE 'no' END
FROM generate_series(1, 80) AS days (day), generate_series(1, 30) AS claims (n)
"""


@dataclass(frozen=True)
class Insurer:
    """Somebody with a table, a declared pipeline and a model that was fitted elsewhere."""

    workspace: Workspace
    run: Daybreak

    def follow(self, block: str) -> str:
        """Run a block's commands, each of which has to succeed."""
        out = ""
        for line in BLOCKS[block].splitlines():
            words = shlex.split(line)
            assert words[0] == "daybreak", line
            code, out, err = self.run(*words[1:])
            assert code == 0, f"{line}\n{err}"
        return out


@pytest.fixture
def insurer(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Insurer]:
    try:
        pytest.importorskip("lightgbm", reason="needs requirements/lightgbm.txt")
    except OSError as error:
        pytest.skip(f"needs a library of the system's for LightGBM ({error})")
    project = make_project(tmp_path / "project")
    for name, text in (FILES | {"include/retail/__init__.py": BLOCKS["register"]}).items():
        # In the place of the page's package, which is imported by other tests.
        place = project / name.replace("retail", "claims_page")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("retail.", "claims_page."))
    monkeypatch.syspath_prepend(str(project / "include"))
    monkeypatch.chdir(tmp_path)
    url = new_database()
    settings = Settings(home=tmp_path, project=project, pipelines="claims_page", warehouse_url=url, registry_url=url)
    workspace = Workspace(settings)
    with workspace.warehouse.begin() as connection:
        for statement in _SOURCE.split(";"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    yield Insurer(workspace, commands(monkeypatch, capsys, settings))
    workspace.close()
    for module in [name for name in sys.modules if name.split(".")[0] == "claims_page"]:
        del sys.modules[module]


def claims() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"amount": draw.uniform(0, 900, 600), "age": draw.integers(18, 78, 600)})
    rows["region"] = pd.Series(draw.choice(["north", "south", "east"], 600), dtype="category")
    rows["fraud"] = np.where(rows["amount"] + 300 * (rows["region"] == "east") > 700, "yes", "no")
    return rows


def test_a_model_is_fitted_elsewhere_registered_and_publishes_by_the_page(
    insurer: Insurer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"rows": claims()}
    exec(BLOCKS["fit"], known)
    assert "fraud_probability" not in insurer.follow("first")
    with insurer.workspace.warehouse.begin() as connection:
        published = connection.exec_driver_sql(
            "SELECT claim_id, fraud_probability FROM predictions.claims ORDER BY claim_id"
        ).all()
        source = pd.DataFrame(
            connection.exec_driver_sql(
                "SELECT amount, age, region FROM insurer.claims WHERE day = '2024-03-10' ORDER BY claim_id"
            )
            .mappings()
            .all()
        )
    expected = known["model"].predict_proba(source.astype({"region": "category"}))[:, 1]  # type: ignore[attr-defined]
    assert [probability for _, probability in published] == expected.tolist()
    assert 0.05 < float(np.mean(expected)) < 0.6
    assert "published" in insurer.follow("challenge")
    with insurer.workspace.warehouse.begin() as connection:
        [[verdict]] = connection.exec_driver_sql(
            "SELECT reasons FROM ledger.alias_history WHERE alias = 'champion' AND version = 2"
        )
        versions = connection.exec_driver_sql(
            "SELECT DISTINCT runs.partition_date, runs.model_version FROM ledger.publications JOIN ledger.runs "
            "USING (run_id) WHERE withdrawn_at IS NULL ORDER BY 1 DESC LIMIT 2"
        ).all()
    assert verdict[0]["says"] == (
        "3 columns; other than version 1: takes age as double, not long; takes region as string, not category"
    )
    assert [version for _, version in versions] == [2, 1]
    # It fits what is installed here: there is nothing to install.
    assert "it has no environment of its own" in " ".join(insurer.follow("environment").split())

    joblib.dump(known["model"], tmp_path / "claims.joblib")
    setting, _, command = BLOCKS["pickle"].partition(" ")
    monkeypatch.setenv(*setting.split("="))
    monkeypatch.setitem(BLOCKS, "pickle", command)
    assert "claims version 3" in insurer.follow("pickle")


def test_every_block_is_run_or_shown_elsewhere() -> None:
    # What is adopted is made by tests/sql/test_adopting.py.
    assert set(BLOCKS) == {"register", "fit", "first", "challenge", "pickle", "adopt", "environment"}
