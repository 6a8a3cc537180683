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
_DECLARED = """
from daybreak import ModelRef, Pipeline, Prediction, RowRules

CLAIMS = Pipeline(
    name="claims",
    description="How likely each claim of the day is fraud.",
    timezone="UTC",
    entity_key=("claim_id",),
    model=ModelRef("claims"),
    prediction=Prediction("fraud_probability", low=0, high=1, method="predict_proba"),
    expectations=RowRules(rows=(1, 10_000), ranges={"amount": (0, 1_000)}),
    training="claims_page.claims:nothing",
    measures="probability",
    target="fraud",
    positive="yes",
)
PIPELINES = (CLAIMS,)


def nothing(past, progress):
    raise NotImplementedError
"""
_SOURCE = """
CREATE SCHEMA insurer;
CREATE TABLE insurer.claims (claim_id bigint, day date, amount double precision, age integer, region text);
INSERT INTO insurer.claims
SELECT day * 1000 + n, date '2024-03-07' + day, n * 7 % 900, 18 + n % 60, (ARRAY['north', 'south', 'east'])[1 + n % 3]
FROM generate_series(1, 3) AS days (day), generate_series(1, 200) AS claims (n)
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
    for name, text in {
        "include/claims_page/__init__.py": "from claims_page.claims import PIPELINES\n",
        "include/claims_page/claims.py": _DECLARED,
        "sql/claims/extract.sql": "-- One row a claim.\nSELECT claim_id, amount, age, region FROM insurer.claims "
        "WHERE day = :first_day\n",
        "sql/claims/coverage.sql": "-- One row.\nSELECT min(day), max(day) FROM insurer.claims\n",
    }.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
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
    # It fits what is installed here: there is nothing to install.
    assert "it has no environment of its own" in " ".join(insurer.follow("environment").split())

    joblib.dump(known["model"], tmp_path / "claims.joblib")
    setting, _, command = BLOCKS["pickle"].partition(" ")
    monkeypatch.setenv(*setting.split("="))
    monkeypatch.setitem(BLOCKS, "pickle", command)
    assert "claims version 2" in insurer.follow("pickle")


def test_every_block_is_run_or_shown_elsewhere() -> None:
    # What is adopted is made by tests/sql/test_adopting.py.
    assert set(BLOCKS) == {"fit", "first", "pickle", "adopt", "environment"}
