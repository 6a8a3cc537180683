"""What is told holds no prediction, no key and no value of a row, whatever goes wrong."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta

import pandas as pd
import pytest

from collectors import Collector, collecting
from command_line import Daybreak, commands
from daybreak.declaration.pipeline import Retrain
from daybreak.ledger.deliveries import Deliveries, Opened
from daybreak.monitoring.retraining import watch
from daybreak.settings import Settings
from daybreak.training.profiles import keep_profiles
from drills import DUE, Watched, address, told
from parcels import SHORT_DAY, Parcels
from past_runs import repeat_run
from receivers import receiving_mail

pytestmark = pytest.mark.usefixtures("new_telemetry")

# A depot and a parcel are an entity key, the others are values.
CANARIES = ("heron", "70707", "ptarmigan", "bittern", "7391.125", "whimbrel")
OF_THE_DAY = f"(handed_in_at AT TIME ZONE 'America/New_York')::date = '{SHORT_DAY}'"
KEPT = "INSERT INTO parcels.handed_in SELECT * FROM parcels.kept"
# What is done to the day's rows, and the kind of what comes of it.
FAULTS = {
    "a key twice": (
        "INSERT INTO parcels.handed_in SELECT * FROM parcels.handed_in WHERE parcel_id = 70707",
        "failed",
    ),
    "a model raises": ("UPDATE parcels.handed_in SET zone = 'bittern' WHERE parcel_id % 9 = 0", "failed"),
    "a value that breaks a rule": (
        "UPDATE parcels.handed_in SET weight_kg = 7391.125 WHERE parcel_id % 2 = 0",
        "expectation",
    ),
    "a value that the database will not cast": (
        "UPDATE parcels.handed_in SET remark = 'whimbrel' WHERE parcel_id % 2 = 0",
        "failed",
    ),
}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Take the spans and the lineage of all runs."""
    with collecting() as served:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", served.url)
        monkeypatch.setenv("DAYBREAK_LINEAGE_URL", served.url)
        yield served


def test_no_prediction_no_key_and_no_value_is_in_a_message_a_line_or_a_span(
    parcels: Parcels,
    settings: Settings,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # SQLAlchemy would write down every bind there is, which nobody asks it for.
    for name in ("daybreak", "apprise", "urllib3", "openlineage", "opentelemetry"):
        caplog.set_level(logging.DEBUG, logger=name)
    watched = Watched(parcels.workspace, retrain=Retrain(features=("zone",), days=2))
    daybreak = commands(monkeypatch, capsys, settings)
    parcels.execute(
        "ALTER TABLE parcels.handed_in DROP CONSTRAINT handed_in_pkey",
        f"UPDATE parcels.handed_in SET parcel_id = 70707, depot = 'heron', remark = 'ptarmigan' "
        f"WHERE {OF_THE_DAY} AND parcel_id % 1000 = 7",
        f"CREATE TABLE parcels.kept AS SELECT * FROM parcels.handed_in WHERE {OF_THE_DAY}",
    )
    with collecting() as posted, receiving_mail() as mailbox:
        watched.told_by(
            alert={"team": address(posted), "mail": mailbox.url},
            alerts="team=warning, mail=warning, mail=digest",
            alerts_timezone="America/New_York",
            alerts_remind_hours=0.01,
        )
        seen = list(_go_wrong(watched, daybreak))
        assert seen == [kind for _, kind in FAULTS.values()]
        unlike = _become_unlike(watched, daybreak)
        assert unlike == ["drift", "nulls", "open", "quarantine", "rows", "slow"]
        messages = [json.dumps(told(posted)), json.dumps(mailbox.mails)]
        assert min(len(told(posted)), len(mailbox.mails)) >= 2 * (len(seen) + len(unlike))
    sent = [body.decode("utf-8", "replace") for _, body in collector.bodies]
    assert {path for path, _ in collector.bodies} >= {"/v1/traces", "/v1/metrics", "/api/v1/lineage"}
    lines = [record.getMessage() for record in caplog.records]
    query = "SELECT predicted_hours FROM predictions.parcel_hours_runs"
    predictions = {f"{hours:.6f}" for (hours,) in parcels.rows(query)}
    for text in (*messages, *sent, *lines):
        assert not [canary for canary in CANARIES if canary in text], text
        assert not predictions & set(re.findall(r"\d+\.\d{6}", text)), text
        assert "secret-key" not in text, text


def _go_wrong(watched: Watched, daybreak: Daybreak) -> Iterator[str]:
    """Let the day fail in each way, look, mend it and look again; yield the kind of each incident."""
    parcels = watched.parcels
    extract = parcels.workspace.sql(parcels.pipeline, "extract")
    whole = extract.read_text()
    for number, (name, (change, _)) in enumerate(FAULTS.items()):
        moment = DUE + timedelta(minutes=number)
        parcels.execute(f"{change} AND {OF_THE_DAY}")
        if "cast" in name:
            extract.write_text(f"SELECT *, remark::integer AS cast_remark FROM (\n{whole}\n) AS all_of_it")
        assert daybreak("run", "parcel_hours", "--partition", SHORT_DAY)[0] == 1, name
        [opened] = watched.look(moment).changed.opened
        yield opened["kind"]
        extract.write_text(whole)
        parcels.execute(f"DELETE FROM parcels.handed_in WHERE {OF_THE_DAY}", KEPT)
        assert daybreak("run", "parcel_hours", "--partition", SHORT_DAY)[0] == 0
        assert len(watched.look(moment + timedelta(seconds=30)).changed.closed) == 1


def _become_unlike(watched: Watched, daybreak: Daybreak) -> list[str]:
    """Let a day be published that is unlike the others in every way; return the kinds of what was opened."""
    parcels = watched.parcels
    run = parcels.current(SHORT_DAY)[0]
    repeat_run(parcels.execute, run, 2, 60)
    zones = [zone for (zone,) in parcels.rows(f"SELECT zone FROM parcels.handed_in WHERE {OF_THE_DAY}")]
    keep_profiles(parcels.workspace.warehouse, "parcel_hours", 1, {"zone": pd.Series(zones)})
    parcels.execute(
        f"DELETE FROM parcels.handed_in WHERE {OF_THE_DAY} AND parcel_id % 2 = 1 AND parcel_id <> 70707",
        f"UPDATE parcels.handed_in SET zone = 'city', pieces = NULL WHERE {OF_THE_DAY} AND parcel_id % 1000 > 4",
        f"UPDATE parcels.handed_in SET weight_kg = 7391.125 WHERE {OF_THE_DAY} AND parcel_id % 1000 < 16",
    )
    assert daybreak("run", "parcel_hours", "--partition", SHORT_DAY)[0] == 0
    last = parcels.last_run()["run_id"]
    parcels.execute(f"UPDATE ledger.runs SET seconds = '{{\"score\": 600}}' WHERE run_id = {last}")
    watch(watched.workspace, watched.pipeline, str(SHORT_DAY))
    receipts = Deliveries(parcels.workspace.warehouse, "parcel_hours", SHORT_DAY)
    receipts.open(last, 1, 1, "snapshot", [Opened("offers", 0, "secret-key", 50, "digest")])
    later = DUE + timedelta(hours=1)
    opened = watched.look(later).changed.opened
    watched.look(later + timedelta(minutes=1))
    return [row["kind"] for row in opened]
