"""After runs that went well, failed and were killed, no prediction is anywhere: no table, no file, no message."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collectors import collecting
from daybreak.errors import DaybreakError
from daybreak.telemetry.json_lines import JsonLines
from predictions import Search
from processes import ended, start
from retail.promotions_system.faults import Fault
from waiting import until

from .conftest import Daybreak, Everywhere
from .mortal import Death, killed, start_push
from .shelf_offers import FEATURES
from .shelves import CHUNKS, DAY, PRODUCTS, TOP, Shelves

RUN = ("run", "shelf_offers", "--partition", str(DAY))


@pytest.fixture
def search(shelves: Shelves) -> Search:
    """Look for what each version predicts of the day, but for what its profile of a held-out day names as well."""
    frame, predicted, known = shelves.frame(DAY), set(), set()
    for version in shelves.workspace.registry.versions(shelves.pipeline.model.name):
        predicted |= set(shelves.model(version.version).predict_proba(frame[FEATURES])[:, 1].tolist())
        assert version.score_profile is not None
        known |= set(version.score_profile["bins"])
    return Search(predicted - known)


@pytest.fixture
def happened(everywhere: Everywhere, search: Search) -> Iterator[list[str]]:
    """Take from the test what happened, and hold at its end that there is no prediction anywhere."""
    named: list[str] = []
    yield named
    looked_at = 0
    for place, content in everywhere():
        looked_at += 1
        assert not search.found(content), f"{place} holds a prediction"
    assert looked_at > 20
    assert len(search.predictions) > PRODUCTS
    assert named
    assert all(named)


def test_a_run_that_went_well_leaves_none(shelves: Shelves, happened: list[str]) -> None:
    assert ended(start(shelves.workspace.settings, *RUN)) == 0
    shelves.assert_offered()
    happened.append(shelves.last_run()["state"])
    assert happened == ["pushed"]


def test_a_run_whose_receiver_repeats_what_it_was_sent_leaves_none(
    shelves: Shelves, daybreak: Daybreak, happened: list[str], search: Search
) -> None:
    best = [offer.probability for offer in shelves.expected().values()]
    answer = json.dumps({"message": f"Not {best[0]!r}, nor {best[1]:.6f}.", "sent": best})
    shelves.receiver.faults.plan(Fault(kind="answer", status=400, text=answer, times=None))
    code, said = daybreak(*RUN)
    assert (code, "answered 400" in said) == (1, True)
    assert not search.found(said.encode())
    happened.append(shelves.last_run()["error"])


@pytest.mark.parametrize("offers", ["Undecided", "Unwritable", "Undefined"])
def test_a_run_that_fails_among_the_predictions_leaves_none(
    shelves: Shelves, happened: list[str], search: Search, offers: str
) -> None:
    with pytest.raises(DaybreakError, match="its text is withheld") as failed:
        shelves.declared(push_offers=f"push.shelf_offers:{offers}").push()
    shown = failed.getrepr(showlocals=True, chain=True, funcargs=True)
    assert not search.found(str(shown).encode()), "a logger that shows local variables shows none"
    happened.append(shelves.last_run()["error"])
    assert happened[0].startswith(f"shelf_offers {DAY}: ")


def test_a_run_that_finds_no_receiver_leaves_none(shelves: Shelves, happened: list[str], search: Search) -> None:
    with pytest.raises(DaybreakError) as failed:
        shelves.push(target={"base_url": "http://127.0.0.1:1", "open_circuit_after": 4})
    assert not search.found(str(failed.getrepr(showlocals=True, chain=True)).encode())
    happened.append(shelves.last_run()["error"])


def test_a_run_that_was_killed_leaves_none(shelves: Shelves, happened: list[str]) -> None:
    plan = shelves.plan()
    staged = shelves.stage(plan)
    target = shelves.receiver.target(max_in_flight=1, receipt_seconds=600)
    for moment in (Death("Deliveries.open"), Death("signed_headers", 2), Death("Deliveries.acknowledge")):
        assert killed(start_push(shelves.workspace.settings, plan, staged, target, moment))
        happened.append(moment.function)
    assert len(shelves.active()) == TOP
    assert len(shelves.deliveries(only_open=True)) == CHUNKS


def test_a_process_that_pushes_leaves_no_core_dump(shelves: Shelves) -> None:
    plan = shelves.plan()
    shelves.receiver.faults.plan(Fault(kind="delay", seconds=1, times=None))
    process = start_push(shelves.workspace.settings, plan, shelves.stage(plan), shelves.receiver.target())
    until(lambda: shelves.receiver.faults.under_way, "a request")
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    (soft,) = (line.split()[4] for line in limits.splitlines() if line.startswith("Max core file size"))
    assert soft == "0"
    shelves.receiver.faults.plan()
    assert not killed(process)


@pytest.mark.parametrize("left", ["a table", "JSON", "rounded", "bytes", "bytes the other way round", "Parquet"])
def test_a_prediction_that_was_left_somewhere_is_found(
    shelves: Shelves, everywhere: Everywhere, search: Search, left: str
) -> None:
    score = search.predictions[len(search.predictions) // 2]
    file = shelves.workspace.settings.home / "left"
    match left:
        case "a table":
            shelves.execute(f"UPDATE ledger.alias_history SET reason = 'it was {score!r}'")
        case "JSON":
            file.write_text(json.dumps({"probability": score}))
        case "rounded":
            file.write_text(f"probability={score:.6f}")
        case "bytes":
            file.write_bytes(b"\x80" + struct.pack("<d", score))
        case "bytes the other way round":
            file.write_bytes(b"\x80" + struct.pack(">d", score) + b"\x80")
        case "Parquet":
            pq.write_table(pa.table({"p": [score] * 50}), file, compression="zstd")
    found = [place for place, content in everywhere() if search.found(content)]
    assert [place.rpartition("/")[2] for place in found] == ["ledger.alias_history" if left == "a table" else "left"]


def test_what_collectors_and_logs_are_told_holds_no_prediction(
    daybreak: Daybreak,
    shelves: Shelves,
    search: Search,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    with collecting() as collector:
        monkeypatch.setenv("DAYBREAK_LINEAGE_URL", collector.url)
        assert daybreak(*RUN)[0] == 0
    [_, complete] = [json.loads(body) for _, body in collector.bodies]
    receiver = str(shelves.workspace.settings.push_url)
    assert [(one["namespace"], one["name"]) for one in complete["outputs"]] == [(receiver, "/v1/offers")]
    assert not any(search.found(body) for _, body in collector.bodies)
    lines = [JsonLines().format(record) for record in caplog.records]
    assert any("Stage push took" in line for line in lines)
    assert not any(search.found(line.encode()) for line in lines)
