"""A plan travels between tasks as small JSON and comes back whole."""

import json
from datetime import date
from pathlib import Path

from daybreak.batch.signature import Signature
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion
from daybreak.run.plan import BINDS, Plan, day_binds
from daybreak.workspace import code_digest
from local_days import local_day

PLAN = Plan(
    7,
    "orders",
    local_day(date(2026, 11, 1), "America/New_York"),
    SegmentModels.of(
        ModelVersion(
            name="orders",
            version=3,
            uri="s3://models/orders",
            digest="0" * 64,
            trained_through=date(2026, 10, 1),
            libraries={"scikit-learn": "1.9.1"},
            signature=Signature((("x", "double"), ("größe", "string"))),
            metrics={"rmse": 0.1},
            aliases=("champion",),
        )
    ),
)


def test_a_plan_comes_back_as_it_was_sent() -> None:
    sent = json.dumps(PLAN.to_json())
    assert Plan.from_json(json.loads(sent)) == PLAN
    assert len(sent) < 2_000


def test_a_day_binds_the_window_and_the_day_of_its_partition() -> None:
    assert {name: str(value) for name, value in PLAN.binds.items()} == {
        "start": "2026-11-01 04:00:00+00:00",
        "end": "2026-11-02 05:00:00+00:00",
        "first_day": "2026-11-01",
        "last_day": "2026-11-01",
        "timezone": "America/New_York",
        "window_start": "2026-11-01 04:00:00+00:00",
        "window_end": "2026-11-02 05:00:00+00:00",
    }
    assert tuple(PLAN.binds) == BINDS


def test_a_query_over_several_days_binds_the_first_start_and_the_last_end() -> None:
    first, last = date(2026, 3, 7), date(2026, 3, 8)
    binds = day_binds(first, last, "America/New_York")
    assert (binds["first_day"], binds["last_day"]) == (first, last)
    for start, end in (("start", "end"), ("window_start", "window_end")):
        assert (str(binds[start]), str(binds[end])) == ("2026-03-07 05:00:00+00:00", "2026-03-09 04:00:00+00:00")


def test_the_digest_of_the_code_changes_with_any_file_and_with_its_name(tmp_path: Path) -> None:
    def digest() -> str:
        return code_digest((tmp_path / "engine",))

    (tmp_path / "engine" / "inner").mkdir(parents=True)
    (tmp_path / "engine" / "a.py").write_text("x = 1\n")
    seen = [digest()]
    (tmp_path / "engine" / "inner" / "b.py").write_text("y = 1\n")
    seen.append(digest())
    (tmp_path / "engine" / "a.py").write_text("x = 2\n")
    seen.append(digest())
    (tmp_path / "engine" / "a.py").rename(tmp_path / "engine" / "c.py")
    seen.append(digest())
    assert len(set(seen)) == 4
    (tmp_path / "engine" / "notes.txt").write_text("no code")
    assert digest() == seen[-1]
