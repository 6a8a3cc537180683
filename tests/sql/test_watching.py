"""Watching a real ledger: what opens an incident, who is told of it how often, and what closes it."""

import json
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from collectors import Collector, collecting
from command_line import commands
from daybreak.errors import ExpectationsFailed, ScoringFailed, SourceNotLanded, SourceRefused
from daybreak.ledger.deliveries import Deliveries, Opened
from daybreak.ledger.incidents import list_incidents, silence
from daybreak.ledger.messages import Message, Outbox
from daybreak.ledger.tables import runs
from daybreak.models.aliases import Decision
from daybreak.monitoring.standing import read_standing
from daybreak.monitoring.watching import Look, Watch
from daybreak.settings import Settings
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS
from parcels import DAY, SHORT_DAY, Parcels
from processes import Death, ended, start
from receivers import receiving_mail

from .test_outdated import COUNTED

# Six in the morning in New York after the short day: it is due, and nothing ran.
DUE = datetime(2024, 3, 11, 10, tzinfo=UTC)
EARLY = DUE - timedelta(minutes=1)


class Watched:
    """A workspace whose pipeline declares when it is due, looked at at moments of our choice."""

    def __init__(self, workspace: Workspace, **changes: Any) -> None:
        self.pipeline = replace(PARCEL_HOURS, **{"due": time(6), "owner": "depots", **changes})
        self.workspace = Workspace(workspace.settings)
        self.workspace.__dict__["declared"] = replace(
            workspace.declared, pipelines={self.pipeline.name: self.pipeline}, broken={}
        )
        self.parcels = Parcels(self.workspace, self.pipeline)

    def told_by(self, **settings: Any) -> "Watched":
        """Have channels."""
        values = {name: getattr(self.workspace.settings, name) for name in Settings.model_fields}
        alert = {name: SecretStr(url) for name, url in settings.pop("alert", {}).items()}
        self.workspace.settings = Settings(**{**values, "alert": alert, "alerts_storage_percent": 100, **settings})
        return self

    def look(self, now: datetime) -> Look:
        return Watch(self.workspace, "test").look(now)


@pytest.fixture
def watched(parcels: Parcels) -> Watched:
    return Watched(parcels.workspace).told_by()


def told(collector: Collector) -> list[dict[str, str]]:
    return [json.loads(body) for _, body in collector.bodies]


def address(collector: Collector) -> str:
    return collector.url.replace("http://", "json://")


def kinds(rows: Any) -> list[str]:
    return [row["kind"] for row in rows]


def test_a_partition_that_is_late_opens_one_incident_is_told_once_and_closes_when_it_is_there(watched: Watched) -> None:
    with collecting() as collector:
        watched.told_by(alert={"team": address(collector)}, airflow_url="https://airflow.example/air/")
        assert watched.look(EARLY).changed.opened == ()
        found = watched.look(DUE)
        assert (kinds(found.changed.opened), dict(found.sent)) == (["late"], {"team": 1})
        for minutes in (5, 10):
            again = watched.look(DUE + timedelta(minutes=minutes))
            assert (again.changed.opened, again.changed.closed, dict(again.sent)) == ((), (), {})
        watched.parcels.run(SHORT_DAY)
        over = watched.look(DUE + timedelta(minutes=15))
        assert kinds(over.changed.closed) == ["late"]
        assert watched.look(DUE + timedelta(minutes=20)).changed.closed == ()
        opened, closed = told(collector)
    assert opened["title"] == f"parcel_hours {SHORT_DAY}: late"
    assert opened["message"].splitlines() == [
        "It was due at 06:00, 0 minutes ago, and no run was made for it.",
        "Seen since 2024-03-11 06:00 (America/New_York).",
        "Next: see that the DAG is switched on and the scheduler runs; or run it.",
        f"Command: daybreak run parcel_hours --partition {SHORT_DAY}",
        f"Page: https://airflow.example/air/plugin/daybreak/daybreak/dags/parcel_hours/partitions/{SHORT_DAY}",
        "What to do about it: docs/watch.md#late (incident 1)",
    ]
    assert closed["title"] == f"Over: parcel_hours {SHORT_DAY}: late"
    assert closed["message"].startswith("It is not so any more.\n")
    row = watched.parcels.rows("SELECT kind, owner, severity, closed_by, closed_at - opened_at FROM ledger.incidents")
    assert row == [("late", "depots", "critical", "test", timedelta(minutes=15))]


class Drill:
    """One thing goes wrong: one incident of a kind opens, is told once, and closes by itself when it is mended."""

    def __init__(self, watched: Watched, kind: str, now: datetime) -> None:
        self.watched, self.kind, self.now = watched, kind, now

    def incidents(self) -> list[dict[str, Any]]:
        return list_incidents(self.watched.workspace.warehouse, closed=9)

    def run(self, mend: Callable[[], object], later: timedelta = timedelta(minutes=15)) -> str:
        """Look three times, mend it, and look again; return what was told."""
        with collecting() as collector:
            self.watched.told_by(alert={"team": address(collector)})
            for minutes in (0, 5, 10):
                self.watched.look(self.now + timedelta(minutes=minutes))
            assert [(row["kind"], row["closed_by"]) for row in self.incidents()] == [(self.kind, None)]
            [opened] = told(collector)
            shown = read_standing(self.watched.workspace.warehouse, [self.watched.pipeline], self.now)
            assert [(need.kind, need.incident) for need in shown.needs] == [
                (self.kind, self.incidents()[0]["incident_id"])
            ]
            mend()
            self.watched.look(self.now + later)
            assert [(row["kind"], row["closed_by"]) for row in self.incidents()] == [(self.kind, "test")]
            assert [one["title"].startswith("Over: ") for one in told(collector)] == [False, True]
        return opened["message"]


def test_drill_the_source_does_not_land(watched: Watched) -> None:
    parcels, origin = watched.parcels, "parcel_hours/one"
    parcels.execute("CREATE TABLE parcels.kept AS SELECT * FROM parcels.handed_in", "TRUNCATE parcels.handed_in")
    with pytest.raises(SourceNotLanded):
        parcels.plan(SHORT_DAY, origin=origin)
    # As it stands while there is still time to wait.
    waiting = json.dumps({"for": "The source holds no data."})
    parcels.execute(
        "UPDATE ledger.runs SET state = 'running', error = NULL, error_type = NULL, finished_at = NULL, "
        f"waiting = '{waiting}' WHERE origin = '{origin}'"
    )
    message = Drill(watched, "late", DUE).run(
        lambda: (
            parcels.execute("INSERT INTO parcels.handed_in SELECT * FROM parcels.kept"),
            parcels.run_by_tasks(SHORT_DAY, origin=origin),
        )
    )
    assert "and its source has not landed: The source holds no data." in message


def test_drill_no_run_was_created_for_a_day(watched: Watched) -> None:
    message = Drill(watched, "late", DUE + timedelta(days=1)).run(
        lambda: [watched.parcels.run(day) for day in (SHORT_DAY, SHORT_DAY + timedelta(days=1))]
    )
    assert message.startswith("No run was made for 2 partitions from 2024-03-10 on;")


def test_drill_half_of_the_rows_are_without_a_value(watched: Watched) -> None:
    parcels = watched.parcels
    run = parcels.run(SHORT_DAY).plan.run_id
    earlier(parcels, run)
    value = "(handed_in_at AT TIME ZONE 'America/New_York')::date = '2024-03-10' AND parcel_id % 2 = 0"
    parcels.execute(f"CREATE TABLE parcels.kept AS SELECT * FROM parcels.handed_in WHERE {value}")
    parcels.execute(f"UPDATE parcels.handed_in SET pieces = NULL WHERE {value}")
    parcels.run(SHORT_DAY)
    message = Drill(watched, "nulls", DUE).run(
        lambda: (
            parcels.execute(f"DELETE FROM parcels.handed_in WHERE {value}"),
            parcels.execute("INSERT INTO parcels.handed_in SELECT * FROM parcels.kept"),
            parcels.run(SHORT_DAY),
        )
    )
    assert "column pieces 50.0%" in message


def earlier(parcels: Parcels, like: int) -> None:
    """Have thirty days before the short day, each like a run, published."""
    kept = ("run_id", "partition_key", "partition_date", "window_start", "window_end")
    names = ", ".join(column.name for column in runs.columns if column.name not in kept)
    parcels.execute(
        f"INSERT INTO ledger.runs (partition_key, partition_date, window_start, window_end, {names}) "
        f"SELECT (date '{SHORT_DAY}' - n)::text, date '{SHORT_DAY}' - n, window_start - n * interval '1 day', "
        f"window_end - n * interval '1 day', {names} "
        f"FROM ledger.runs, generate_series(2, 60) AS n WHERE run_id = {like:d}",
        "INSERT INTO ledger.publications (pipeline, partition_key, partition_date, run_id, reason, published_at) "
        "SELECT pipeline, partition_key, partition_date, run_id, 'run', now() FROM ledger.runs "
        f"WHERE partition_date < date '{SHORT_DAY}' - 1",
    )


def test_drill_a_source_has_changed_since_a_partition_was_made(watched: Watched) -> None:
    parcels = watched.parcels
    parcels.workspace.sql(parcels.pipeline, "extract").with_name("changed.sql").write_text(COUNTED)
    parcels.run()
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = weight_kg + 1")
    message = Drill(watched, "outdated", EARLY).run(parcels.run)
    assert f"The source has changed since {DAY} was made from it; it was looked at " in message
    assert f"daybreak backfill parcel_hours {DAY} {DAY} --outdated" in message


def test_drill_a_receiver_is_down(watched: Watched) -> None:
    watched.parcels.run(SHORT_DAY)
    run = watched.parcels.last_run()["run_id"]
    receipts = Deliveries(watched.workspace.warehouse, watched.pipeline.name, SHORT_DAY)
    receipts.open(run, 1, 1, "snapshot", [Opened("offers", n, f"secret-key-{n}", 50, "digest") for n in range(2)])
    message = Drill(watched, "open", DUE).run(
        lambda: watched.parcels.execute("UPDATE ledger.deliveries SET state = 'acknowledged', acknowledged_at = now()")
    )
    assert "2 chunks of 100 offers are not known to have arrived" in message
    assert "secret-key" not in message


def test_drill_an_approval_is_wanted(parcels: Parcels) -> None:
    # By when anything is due is not declared, so it is today.
    watched = Watched(parcels.workspace, due=None)
    model, now = watched.pipeline.single_ref, datetime.now(UTC)
    parcels.execute(
        "INSERT INTO ledger.approvals (pipeline, model_name, version, asked_by) "
        f"VALUES ('parcel_hours', '{model.name}', 2, 'promote_models/one')"
    )
    message = Drill(watched, "approval", now + timedelta(hours=3, minutes=1)).run(
        lambda: watched.workspace.aliases(model).refuse(2, Decision("rejected by a person"))
    )
    assert message.startswith(
        f"Version 2 of model '{model.name}' passed its checks and waits for a person since 3 hours."
    )


def test_a_channel_that_fails_is_tried_again_is_an_incident_itself_and_others_are_told(watched: Watched) -> None:
    with collecting(status=500) as broken, receiving_mail() as mailbox:
        watched.told_by(alert={"team": address(broken), "mail": mailbox.url})
        first = watched.look(DUE)
        assert (dict(first.sent), list(first.failed)) == ({"mail": 1}, ["team"])
        # Not within a minute, and not for longer than an hour.
        assert watched.look(DUE + timedelta(seconds=59)).failed == {}
        assert list(watched.look(DUE + timedelta(minutes=5)).failed) == ["team"]
        found = watched.look(DUE + timedelta(minutes=10))
        assert (kinds(found.changed.opened), dict(found.sent)) == (["channel"], {"mail": 1})
        broken.status = 200
        # What was not told is told, in its order, and nothing twice.
        late = [watched.look(DUE + timedelta(minutes=minutes)) for minutes in (15, 20, 25)]
        assert [kind for look in late for kind in kinds(look.changed.closed)] == ["channel"]
        accepted = [json.loads(body)["title"] for _, body in broken.bodies][-1:]
        assert accepted == [f"parcel_hours {SHORT_DAY}: late"]
        assert [subject for subject, _ in mailbox.mails] == [
            f"parcel_hours {SHORT_DAY}: late",
            "team: channel failing",
            "Over: team: channel failing",
        ]
        text = mailbox.mails[1][1]
    assert "the channel 'team'" in text
    assert str(broken.url.rpartition(":")[2]) not in text


def test_two_watchers_at_once_make_one_incident_and_one_message(watched: Watched) -> None:
    with collecting() as collector, ThreadPoolExecutor(4) as pool:
        watched.told_by(alert={"team": address(collector)})
        watched.workspace.see_to_ledger()
        looks = list(pool.map(lambda _: watched.look(DUE), range(4)))
        assert sum(len(look.changed.opened) for look in looks) == 1
        assert len(told(collector)) == 1


@pytest.mark.parametrize(
    ("function", "times"),
    [("Watch.send", 1), ("Sender.send", 1), ("Outbox.sent", 2)],
    ids=["written and not taken", "taken and not sent", "sent and not noted, which is told once more"],
)
def test_a_watcher_that_is_killed_has_lost_no_message(parcels: Parcels, function: str, times: int) -> None:
    with collecting() as collector:
        # Any disk is filled to this, so there is something to tell.
        watched = Watched(parcels.workspace, due=None)
        watched.told_by(alert={"team": address(collector)}, alerts_storage_percent=0.001)
        process = start(watched.workspace.settings, "watch", death=Death(function=function))
        assert ended(process) == -signal.SIGKILL
        for minutes in (2, 4):
            watched.look(datetime.now(UTC) + timedelta(minutes=minutes))
        titles = Counter(message["title"] for message in told(collector) if "storage" in message["title"])
    assert max(titles.values()) == times


def test_what_one_has_taken_to_send_nobody_else_gets_until_its_pause_is_over(watched: Watched) -> None:
    watched.workspace.see_to_ledger()
    outbox = Outbox(watched.workspace.warehouse)
    with watched.workspace.warehouse.begin() as connection:
        assert outbox.put(connection, Message("team", "digest", "2024-03-11", "Yesterday", "Five lines."), DUE)
        assert not outbox.put(connection, Message("team", "digest", "2024-03-11", "Yesterday", "Again."), DUE)
    assert outbox.take("team", DUE) is not None
    assert outbox.take("team", DUE + timedelta(seconds=30)) is None
    again = outbox.take("team", DUE + timedelta(minutes=1))
    assert again is not None
    outbox.sent(again["message_id"], DUE + timedelta(minutes=1))
    assert outbox.take("team", DUE + timedelta(minutes=9)) is None


def test_who_is_not_silenced_is_reminded_each_day(watched: Watched) -> None:
    with collecting() as collector:
        watched.told_by(alert={"team": address(collector)})
        watched.look(DUE)
        assert watched.look(DUE + timedelta(hours=23)).changed.reminded == ()
        for hours in (24, 25):
            watched.look(DUE + timedelta(hours=hours))
        silence(watched.workspace.warehouse, 1, DUE + timedelta(hours=60), "ana")
        assert watched.look(DUE + timedelta(hours=50)).changed.reminded == ()
        assert kinds(watched.look(DUE + timedelta(hours=61)).changed.reminded) == ["late"]
        titles = [message["title"] for message in told(collector)]
    assert [title.partition(":")[0] for title in titles] == [f"parcel_hours {SHORT_DAY}", "Still", "Still"]


@pytest.mark.parametrize(
    ("change", "mend", "kind"),
    [
        # As much as half of the day's rows are too heavy.
        (
            "SET weight_kg = 1000 + parcel_id WHERE parcel_id % 2 = 0",
            "SET weight_kg = 1 WHERE weight_kg > 999",
            "expectation",
        ),
        ("SET distance_km = NULL WHERE true", "SET distance_km = 1 + parcel_id % 7 WHERE true", "failed"),
    ],
)
def test_drill_a_run_fails(watched: Watched, change: str, mend: str, kind: str) -> None:
    parcels = watched.parcels
    kept = "(handed_in_at AT TIME ZONE 'America/New_York')::date = '2024-03-10'"
    parcels.execute(f"UPDATE parcels.handed_in {change} AND {kept}")
    with pytest.raises((ExpectationsFailed, SourceRefused)) as failed:
        parcels.run(SHORT_DAY)
    message = Drill(watched, kind, DUE).run(
        lambda: (parcels.execute(f"UPDATE parcels.handed_in {mend} AND {kept}"), parcels.run(SHORT_DAY))
    )
    assert failed.value.next_step in message


def test_no_key_and_no_value_of_a_row_is_in_any_message(watched: Watched) -> None:
    parcels = watched.parcels
    parcels.execute(
        "ALTER TABLE parcels.handed_in DROP CONSTRAINT handed_in_pkey",
        "INSERT INTO parcels.handed_in SELECT * FROM parcels.handed_in WHERE parcel_id = 9007",
    )
    with pytest.raises(SourceRefused, match="parcel_id=9007"):
        parcels.run(SHORT_DAY)
    with collecting() as collector:
        watched.told_by(alert={"team": address(collector)})
        watched.look(DUE)
        [message] = told(collector)
    assert "1 entity keys occur more than once." in message["message"]
    assert not {"9007", "depot=", "north", "south", "west"} & set(message["message"].replace("=", "= ").split())
    assert "9007" not in message["message"]


def test_the_digest_is_yesterday_in_five_lines_once_each_morning_for_who_wants_it(watched: Watched) -> None:
    with collecting() as collector, receiving_mail() as mailbox:
        watched.told_by(
            alert={"team": address(collector), "mail": mailbox.url},
            alerts="team=critical, mail=digest",
            alerts_timezone="America/New_York",
        )
        # Five in the morning, seven, and the next day.
        for hours in (-1, 1, 2, 25, 26):
            watched.look(DUE + timedelta(hours=hours))
        assert [one["title"].partition(":")[0] for one in told(collector)] == [f"parcel_hours {SHORT_DAY}", "Still"]
        first, second = mailbox.mails
    assert first[0] == "Daybreak, 2024-03-10: 0 of 1 pipelines have their last partition"
    assert first[1].splitlines()[:5] == [
        "0 of 1 pipelines have their last partition; parcel_hours 2024-03-10 is late.",
        "Rows: 0 in, 0 in quarantine, 0 failed, 0 published or sent.",
        "Incidents: 0 opened, 0 closed, 1 open now (parcel_hours late).",
        "Deliveries: nothing is open.",
        "Models: nothing has crossed what is declared.",
    ]
    assert "Incidents: 1 opened, 0 closed, 1 open now" in second[1]


def test_drill_a_model_raises(watched: Watched) -> None:
    parcels = watched.parcels
    parcels.execute("UPDATE parcels.handed_in SET zone = 'moon' WHERE zone = 'city' AND parcel_id >= 9000")
    with pytest.raises(ScoringFailed, match="moon"):
        parcels.run(SHORT_DAY)
    message = Drill(watched, "failed", DUE).run(
        lambda: (
            parcels.execute("UPDATE parcels.handed_in SET zone = 'city' WHERE zone = 'moon'"),
            parcels.run(SHORT_DAY),
        )
    )
    assert "5 rows could not be scored, 4 are allowed." in message
    assert "moon" not in message


def test_the_commands_look_list_silence_and_try_a_channel(
    parcels: Parcels, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daybreak = commands(monkeypatch, capsys, settings)
    monkeypatch.setenv("DAYBREAK_ALERTS_STORAGE_PERCENT", "100")
    yesterday = PARCEL_HOURS.calendar.last_complete(datetime.now(UTC)).first_day
    receipts = Deliveries(parcels.workspace.warehouse, PARCEL_HOURS.name, yesterday)
    receipts.open(parcels.last_run()["run_id"], 1, 1, "s", [Opened("offers", 0, "key", 50, "digest")])
    code, out, err = daybreak("watch", "--dry-run")
    assert (code, out, err) == (
        0,
        f"critical  parcel_hours {yesterday}: 1 chunk of 50 offers is not known to have arrived.\n",
        "",
    )
    assert parcels.rows("SELECT * FROM ledger.incidents") == []
    code, out, err = daybreak("alerts", "test")
    assert (code, out, "Next: give one: DAYBREAK_ALERT_<NAME>" in err) == (1, "", True)
    with collecting(status=500) as collector:
        monkeypatch.setenv("DAYBREAK_ALERT_TEAM", address(collector))
        code, out, err = daybreak("watch")
        assert code == 1
        assert "opened incident 1, critical: parcel_hours" in out
        assert err.startswith("error Channel 'team': it did not take the message. Next: check DAYBREAK_ALERT_TEAM;")
        collector.status = 200
        assert daybreak("alerts", "test")[:2] == (0, "team: sent.\n")
        assert told(collector)[-1]["title"] == "Daybreak: a test"
    assert "(incident 1)" in daybreak("status")[1]
    code, out, _ = daybreak("alerts", "list", "--json")
    assert [(row["incident_id"], row["kind"]) for row in json.loads(out)] == [(1, "open")]
    assert daybreak("alerts", "silence", 1)[1].startswith("Nobody is reminded of incident 1 until ")
    assert "There is no open incident 7. Next: choose" in daybreak("alerts", "silence", 7)[2]
