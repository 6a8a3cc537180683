"""Message texts: what is told of an incident, and that no value of a row is in it."""

import re

import pytest

from daybreak.monitoring.message_texts import anchor, page_of, without_values
from daybreak.monitoring.need_kinds import KINDS
from daybreak.settings import PROJECT


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "2 entity keys occur more than once, for example depot=north, parcel_id=8001; depot=south, parcel_id=8002.",
            "2 entity keys occur more than once.",
        ),
        (
            "5 of 9 rows (55.6%) break a critical expectation or cannot be kept, for example 'Ann. Lee is too long'; 1%"
            " are allowed.",
            "5 of 9 rows (55.6%) break a critical expectation.",
        ),
        (
            "The batch breaks 1 critical expectation(s): weight_kg is below 50 (observed [8001, 'Ann (Lee)']).",
            "The batch breaks 1 critical expectation(s): weight_kg is below 50.",
        ),
        ("3 rows could not be scored, 0 are allowed (-3.25 is below 0).", "3 rows could not be scored, 0 are allowed."),
        ('invalid input syntax for type integer: "Ann Lee"', "invalid input syntax for type integer: …"),
        ('column "weight" does not exist', 'column "weight" does not exist.'),
        ("duplicate key. DETAIL: Key (id)=(8001) already exists.", "duplicate key."),
        ("'weight' could not be judged: could not convert string to float: Ann.", "… could not be judged."),
        (
            "ValueError at include/retail/model.py:12 during `score`, which nobody has foreseen: not Ann (8001).",
            "ValueError at include/retail/model.py:12.",
        ),
        ("The model failed: KeyError: 'Ann Lee'", "The model failed: KeyError."),
        ("Version 3 of model 'demand' is older.", "Version 3 of model 'demand' is older."),
        (
            "12 of 99 rows are in quarantine: 12.1%, and 1.0% is usual.",
            "12 of 99 rows are in quarantine: 12.1%, and 1.0% is usual.",
        ),
        (
            "x is spread unlike in training (divergence 0.310, 0.2 is allowed); a training is asked for.",
            "x is spread unlike in training (divergence 0.310, 0.2 is allowed); a training is asked for.",
        ),
    ],
)
def test_what_may_be_a_value_of_a_row_is_left_out(said: str, told: str) -> None:
    assert without_values(said) == told


def test_a_page_is_found_under_any_address_of_airflow() -> None:
    incident = {"pipeline": "sales", "partition_key": "2026-01-05T09", "kind": "late"}
    base = "https://airflow.example/air"
    assert page_of(f"{base}/", incident, is_pipeline=True) == (
        f"{base}/plugin/daybreak/daybreak/dags/sales/partitions/2026-01-05T09"
    )
    assert page_of(base, incident, is_pipeline=False) == f"{base}/plugin/daybreak/daybreak/today"
    assert page_of(None, incident, is_pipeline=True) is None


def test_the_page_about_watching_has_each_kind_with_its_severity_and_where_messages_link_to() -> None:
    page = (PROJECT / "docs" / "watch.md").read_text()
    rows = re.findall(r'^\| <a id="([\w-]+)"></a>([^|]+) \| (\w+) \| [^|]+ \| [^|]+ \|$', page, re.M)
    told = [(anchor(name), kind.title, kind.severity) for name, kind in KINDS.items()]
    assert sorted(rows) == sorted(told)
