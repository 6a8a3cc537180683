"""Watching a real ledger: what opens an incident, who is told of it how often, and what closes it."""

import json
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from collectors import collecting
from command_line import commands
from daybreak.errors import SourceRefused
from daybreak.ledger.deliveries import Deliveries, Opened
from daybreak.ledger.incidents import silence
from daybreak.ledger.messages import Message, Outbox
from daybreak.settings import Settings
from drills import DUE, Watched, address, kinds, told
from fixture_pipelines import PARCEL_HOURS
from parcels import SHORT_DAY, Parcels
from processes import Death, ended, start
from receivers import receiving_mail

EARLY = DUE - timedelta(minutes=1)


@pytest.fixture
def watched(parcels: Parcels) -> Watched:
    return Watched(parcels.workspace).told_by()


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
