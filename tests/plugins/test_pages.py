"""The pages in Airflow's own API server, with its own logins: what is shown, who may see and change what."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daybreak.ledger.deliveries import Deliveries, Opened
from daybreak.settings import Settings
from fixture_pipelines import PARCEL_HOURS
from parcels import DAY, SHORT_DAY, Parcels
from past_runs import past_run
from processes import environment

HTML = {"Accept": "text/html"}
SAME = {**HTML, "Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}
PARTITION = f"/daybreak/dags/parcel_hours/partitions/{DAY}"
FILE = (
    "from daybreak_airflow import scoring_dag\nfrom fixture_pipelines import PIPELINES\n"
    "for pipeline in PIPELINES:\n    scoring_dag(pipeline)\n"
)
Client = Any


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Make Airflow's API server, its own database with one Dag, and two people who may log in."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "ada:admin,vic:viewer")
        passwords = tmp_path_factory.mktemp("passwords") / "passwords.json"
        patched.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
        from airflow.api_fastapi.app import create_app
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
        from airflow.utils.db import initdb

        initdb()
        DagBundlesManager().sync_bundles_to_db()
        folder = tmp_path_factory.mktemp("dags")
        (folder / "parcels.py").write_text(FILE)
        bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
        sync_bag_to_db(bag, "dags-folder", None)
        yield create_app(apps="core")


@pytest.fixture
def log_in(
    server: Any, parcels: Parcels, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Client]]:
    """Return a function that gives somebody's browser, on the test's own warehouse."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    from daybreak_airflow.pages.opened import workspace

    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    workspace.cache_clear()

    def client(name: str, role: str | None = None) -> Client:
        found = TestClient(server, headers=HTML)
        role = role or {"ada": "admin", "vic": "viewer"}[name]
        found.cookies.set("_token", get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role)))
        return found

    yield client
    workspace().close()
    workspace.cache_clear()


def form_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def set_aside(parcels: Parcels, reason: str = "weight_kg is above 50", depot: str = "north") -> None:
    """Have the published run say that it has set a row aside."""
    parcels.execute(
        "UPDATE ledger.runs SET rows_extracted = rows_extracted + 1, rows_quarantined = rows_quarantined + 1",
        "INSERT INTO ledger.quarantine (run_id, row_number, stage, entity_key, reasons, payload) "
        f"SELECT run_id, 7, 'validate', jsonb_build_object('depot', '{depot}'), ARRAY['{reason}'], "
        "jsonb_build_object('weight_kg', 51) FROM ledger.runs",
    )


def newest() -> date:
    """Return the last day that is over: the pages look at the days before now."""
    return PARCEL_HOURS.calendar.last_complete(datetime.now(UTC)).first_day


def audited() -> list[tuple[str, str, str]]:
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.execute(sa.select(Log.event, Log.owner, Log.dag_id).where(Log.event.startswith("daybreak_")))
        return [tuple(row) for row in found]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("today", "Nothing needs a person"),
        ("calendar", "The last 60 partitions"),
        ("dags/parcel_hours", "The last ten in numbers"),
        (f"dags/parcel_hours/partitions/{DAY}", "What became of its rows"),
        (f"dags/parcel_hours/partitions/{SHORT_DAY}", "No run was ever made for it"),
        ("dags/parcel_hours/model", "version 1 is the champion"),
        ("dags/parcel_hours/quality", "Nothing is measured yet"),
        ("dags/parcel_hours/deliveries", "The pipeline publishes, and sends nothing."),
        ("dags/train_models", "runs no pipeline"),
        ("dags/parcel_hours/runs/{RUN_ID}", "The last ten in numbers"),
    ],
)
def test_each_page_answers_a_viewer_with_the_headers_that_keep_it_in_its_frame(
    log_in: Callable[[str], Client], address: str, says: str
) -> None:
    answer = log_in("vic").get(f"/daybreak/{address}")
    assert (answer.status_code, says in answer.text) == (200, True), answer.text[-2000:]
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert "{{" not in answer.text


def test_nobody_sees_a_page_without_a_login(server: Any, log_in: Callable[[str], Client]) -> None:
    from fastapi.testclient import TestClient

    stranger = TestClient(server, follow_redirects=False)
    for address in ("today", "calendar", "dags/parcel_hours", PARTITION.removeprefix("/daybreak/")):
        assert stranger.get(f"/daybreak/{address}").status_code == 401
        sent = stranger.get(f"/daybreak/{address}", headers=HTML)
        assert (sent.status_code, "/login" in sent.headers["location"]) == (302, True)
    assert stranger.get("/daybreak/docs").status_code == 404
    assert stranger.get("/daybreak/openapi.json").status_code == 404


@pytest.mark.parametrize("address", ["dags/nothing/model", "dags/parcel_hours/partitions/2026-13-99", "nowhere"])
def test_what_is_not_there_is_said_as_that(log_in: Callable[[str], Client], address: str) -> None:
    answer = log_in("ada").get(f"/daybreak/{address}")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_rows_in_quarantine_are_shown_to_who_may_edit(log_in: Callable[[str], Client], parcels: Parcels) -> None:
    set_aside(parcels)
    assert "weight_kg: 51" in log_in("ada").get(PARTITION).text
    shown = log_in("vic").get(PARTITION).text
    assert ("weight_kg: 51" in shown, "shown to who may edit" in shown) == (False, True)


def test_why_rows_are_in_quarantine_is_told_to_everybody_by_reason(
    log_in: Callable[[str], Client], parcels: Parcels
) -> None:
    set_aside(parcels, "depot: no model for segment ''Ada''", "south")
    shown, edited = log_in("vic").get(PARTITION).text, log_in("ada").get(PARTITION).text
    assert "depot: no model for its segment" in shown
    assert ("Ada" in shown, "south" in shown) == (False, False)
    assert ("Ada" in edited, "depot south" in edited) == (True, True)


def test_what_is_usual_is_drawn_as_a_band_and_what_is_not_so_is_marked(
    log_in: Callable[[str], Client], parcels: Parcels
) -> None:
    yesterday = newest()
    for back in range(1, 30):
        past_run(parcels, yesterday - timedelta(days=back), seconds="'{\"score\": 60}'")
    past_run(parcels, yesterday, rows_extracted="4000", rows_scored="4000 - rows_quarantined - rows_failed")
    page = log_in("vic").get("/daybreak/dags/parcel_hours").text
    assert f"Rows in of 30 partitions; unusual: {yesterday}." in page
    assert "usual: 240 to 560" in page
    assert "Run time: " in page
    partition = log_in("vic").get(f"/daybreak/dags/parcel_hours/partitions/{yesterday}").text
    assert re.search(r'Rows in: <strong class="warn">4,000</strong> <span class="soft">usual: 240 to 560', partition)


def test_a_column_is_shown_beside_its_training_in_a_picture_and_in_words(
    log_in: Callable[[str], Client], parcels: Parcels
) -> None:
    run = past_run(parcels, newest())
    drifted = "INSERT INTO ledger.drift (run_id, pipeline, partition_key, partition_date, column_name, model_version, "
    drifted += "divergence, threshold, drifted, rows, measured_at, shares) SELECT run_id, pipeline, partition_key, "
    drifted += "partition_date, '{0}', 1, {1}, 0.2, {1} > 0.2, 400, now(), {2} FROM ledger.runs WHERE run_id = {3}"
    profile = json.dumps({"values": ["city", "<b>"], "weights": [0.75, 0.25]})
    columns = "model_name, model_version, model_digest, trained_through"
    parcels.execute(
        f"INSERT INTO ledger.run_segments (run_id, position, {columns}) "
        f"SELECT run_id, 1, {columns} FROM ledger.runs WHERE run_id = {run}",
        drifted.format("weight_kg", 0.1, "NULL", run),
        drifted.format("zone", 0.5, "ARRAY[0.25, 0.65]", run),
        f"INSERT INTO ledger.training_profiles VALUES ('parcel_hours', 1, 'zone', '{profile}')",
    )
    browser = log_in("vic")
    page = browser.get("/daybreak/dags/parcel_hours/quality").text
    assert f"How zone is spread in {newest()}" in page, "the column that is furthest off"
    assert "Unlike in training" in page
    assert "They differ most at city: 25.0% here, 75.0% in training. 10.0% of the rows lie outside" in page
    assert "&lt;b&gt;: 25.0% in training, 65.0% here" in page
    chosen = browser.get(f"/daybreak/dags/parcel_hours/quality?column=weight_kg&partition={newest()}").text
    assert (f"How weight_kg is spread in {newest()}" in chosen, "was not kept" in chosen) == (True, True)
    assert browser.get("/daybreak/dags/parcel_hours/quality?column=%3Cb%3E&partition=x").status_code == 200


def test_a_partition_whose_source_has_changed_is_outdated_in_the_calendar_and_says_what_to_do(
    log_in: Callable[[str], Client], parcels: Parcels
) -> None:
    run = past_run(parcels, newest())
    parcels.execute(f"INSERT INTO ledger.source_looks VALUES ({run}, true, now())")
    browser, address = log_in("vic"), f"/daybreak/dags/parcel_hours/partitions/{newest()}"
    calendar = browser.get("/daybreak/calendar").text
    assert re.search(rf'<a class="day outdated" href="{address}" title="{newest()}: outdated: its source', calendar)
    assert "outdated: its source changed since</li>" in calendar
    assert "Its source was last looked at for changes" in calendar
    assert "Its source has changed since it was made" in browser.get(address).text
    today = browser.get("/daybreak/today").text
    assert ("The source has changed since" in today, "daybreak backfill parcel_hours" in today) == (True, True)


def test_a_day_of_three_faults_says_what_is_wrong_and_what_to_do(
    log_in: Callable[[str], Client], parcels: Parcels
) -> None:
    yesterday = newest()
    lacking = "parcel_classes: The source holds nothing of this day; its last day is the one before. Next: wait until "
    lacking += "the day has landed, then run the partition again."
    failed = {"state": "'failed'", "error": f"'{lacking}'", "rows_scored": "NULL"}
    past_run(parcels, yesterday, "parcel_classes", **failed)
    for back in range(1, 10):
        past_run(parcels, yesterday - timedelta(days=back))
    past_run(
        parcels, yesterday, rows_quarantined="rows_extracted / 4", rows_scored="rows_extracted - rows_extracted / 4"
    )
    sent = past_run(parcels, yesterday, "parcel_carriers", state="'pushed'")
    receipts = Deliveries(parcels.workspace.warehouse, "parcel_carriers", yesterday)
    receipts.open(sent, 1, 1, "s", [Opened("offers", 0, "key", 50, "digest")])
    page = log_in("vic").get("/daybreak/today").text
    needs = [re.sub(r"<[^>]+>", " ", need) for need in re.findall(r'<li class="need .*?</li>', page, re.S)]
    assert "3 things need a person;" in page
    assert "2 of 3 pipelines are there." in page
    source, receiver, quarantine = needs
    assert "The source holds nothing of this day" in source
    assert "wait until the day has landed" in source
    assert "1 chunk of 50 offers is not known to have arrived" in receiver
    assert f"daybreak push parcel_carriers {yesterday} --resume" in receiver
    assert "100 of 400 rows are in quarantine: 25.0%, and 0.0% is usual" in quarantine
    assert "mend the source, then replay" in quarantine


def test_a_viewer_is_offered_nothing_and_refused_everything(log_in: Callable[[str], Client], parcels: Parcels) -> None:
    parcels.run()
    before = parcels.publications()
    viewer = log_in("vic")
    assert "Roll back" not in viewer.get(PARTITION).text
    for change in ("run", "rollback", "replay"):
        assert viewer.get(f"{PARTITION}/{change}").status_code == 403
        assert viewer.post(f"{PARTITION}/{change}", headers=SAME, data={"token": "x"}).status_code == 403
    assert viewer.post("/daybreak/dags/parcel_hours/model/parcel_hours/demote", headers=SAME).status_code == 403
    assert parcels.publications() == before


def test_a_rollback_says_what_it_will_do_then_does_it_in_the_name_of_who_asked(
    log_in: Callable[[str], Client], parcels: Parcels
) -> None:
    first = parcels.current()[0]
    second = parcels.run().plan.run_id
    browser = log_in("ada")
    asked = browser.get(f"{PARTITION}/rollback")
    assert f"Run {first} is shown again in the place of run {second}" in asked.text
    assert parcels.current() == [second], "asking does nothing"
    done = browser.post(f"{PARTITION}/rollback", headers=SAME, data=form_of(asked.text))
    assert [step.status_code for step in done.history] == [303]
    assert f"Run {first} is the current one again." in done.text
    assert parcels.current() == [first]
    newest = "SELECT reason, asked_by FROM ledger.publications ORDER BY publication_id DESC LIMIT 1"
    assert parcels.rows(newest) == [("rollback", "ada")]
    assert ("daybreak_rollback", "ada", "parcel_hours") in audited()


def test_what_changed_since_one_looked_is_not_done(log_in: Callable[[str], Client], parcels: Parcels) -> None:
    parcels.run()
    browser = log_in("ada")
    form = form_of(browser.get(f"{PARTITION}/rollback").text)
    third = parcels.run().plan.run_id
    refused = browser.post(f"{PARTITION}/rollback", headers=SAME, data=form)
    assert (refused.status_code, "changed since you looked" in refused.text) == (409, True)
    assert parcels.current() == [third]


def test_a_request_that_no_page_of_ours_has_made_does_nothing(log_in: Callable[..., Client], parcels: Parcels) -> None:
    parcels.run()
    before, browser = parcels.publications(), log_in("ada")
    form = form_of(browser.get(f"{PARTITION}/rollback").text)
    eves = form_of(log_in("eve", "admin").get(f"{PARTITION}/rollback").text)
    for headers, sent in (
        ({**HTML, "Sec-Fetch-Site": "cross-site", "Origin": "http://elsewhere.example"}, form),
        ({**HTML, "Sec-Fetch-Site": "same-site", "Origin": "http://testserver:9999"}, form),
        ({**HTML, "Origin": "http://elsewhere.example"}, form),
        ({**HTML, "Origin": "null"}, form),
        (SAME, {"seen": form["seen"]}),
        (SAME, {**form, "token": "made up"}),
        (SAME, eves),
    ):
        refused = browser.post(f"{PARTITION}/rollback", headers=headers, data=sent)
        assert (refused.status_code, parcels.publications()) == (403, before), (headers, sent)
    assert browser.post(f"{PARTITION}/rollback", headers=SAME, data=form).status_code == 200
    assert parcels.publications() != before


def test_a_program_with_a_token_of_its_own_needs_no_form(log_in: Callable[[str], Client], parcels: Parcels) -> None:
    from fastapi.testclient import TestClient

    second = parcels.run().plan.run_id
    browser = log_in("ada")
    program = TestClient(browser.app, headers={"Authorization": f"Bearer {browser.cookies['_token']}"})
    answer = program.post(f"{PARTITION}/rollback", data={"seen": str(second)}, follow_redirects=False)
    assert answer.status_code == 303
    assert parcels.current() != [second]


def test_running_again_is_a_run_of_airflows_in_the_name_of_who_asked(
    log_in: Callable[[str], Client], parcels: Parcels
) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    browser = log_in("ada")
    asked = browser.get(f"{PARTITION}/run")
    done = browser.post(f"{PARTITION}/run", headers=SAME, data=form_of(asked.text))
    assert "Airflow has the run" in done.text
    with create_session() as session:
        found = session.execute(
            sa.select(DagRun.partition_key, DagRun.triggering_user_name, DagRun.run_type).where(
                DagRun.dag_id == "parcel_hours"
            )
        ).all()
    assert (str(DAY), "ada", "manual") in [tuple(map(str, row)) for row in found]


def test_what_no_page_has_said_is_not_shown(log_in: Callable[[str], Client]) -> None:
    answer = log_in("ada").get(f"{PARTITION}?said=Send+your+password+to+me")
    assert (answer.status_code, "password" in answer.text) == (200, False)


def test_names_from_elsewhere_are_text_and_nothing_else(log_in: Callable[[str], Client], parcels: Parcels) -> None:
    set_aside(parcels, "<script>alert(1)</script>", "<img src=x>")
    page = log_in("ada").get(PARTITION).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_today_says_what_is_open_and_what_to_do(log_in: Callable[[str], Client], parcels: Parcels) -> None:
    yesterday = newest()
    receipts = Deliveries(parcels.workspace.warehouse, PARCEL_HOURS.name, yesterday)
    receipts.open(parcels.last_run()["run_id"], 1, 1, "s", [Opened("offers", 0, "key", 50, "digest")])
    page = log_in("vic").get("/daybreak/today").text
    assert "1 thing needs a person" in page
    assert f"daybreak push parcel_hours {yesterday} --resume" in page


def test_a_promotion_that_waits_for_an_answer_leads_to_where_it_is_given(
    log_in: Callable[[str], Client], parcels: Parcels
) -> None:
    parcels.execute(
        "INSERT INTO ledger.approvals (pipeline, model_name, version, asked_by) "
        "VALUES ('parcel_hours', 'parcel_hours', 7, 'a test')"
    )
    page = log_in("vic").get("/daybreak/today").text
    assert "Version 7 of model" in page
    assert 'href="/dags/promote_models/required_actions"' in page


def test_a_warehouse_that_is_away_is_said_with_what_to_do(
    log_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from daybreak_airflow.pages.opened import workspace
    from ports import free_port

    monkeypatch.setenv("DAYBREAK_WAREHOUSE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    workspace.cache_clear()
    answer = log_in("ada").get("/daybreak/today")
    assert (answer.status_code, "What to do:" in answer.text) == (503, True)


def test_no_file_of_the_pages_needs_another_host() -> None:
    import daybreak_airflow.pages

    folder = Path(daybreak_airflow.pages.__file__).parent
    for file in (*folder.glob("templates/*"), *folder.glob("static/*")):
        assert "//" not in re.sub(r"^\s*//.*$", "", file.read_text(), flags=re.M).replace("/* */", ""), file.name


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        (None, "Bearer hush", 404),
        ("", "Bearer ", 404),
        ("hush", None, 401),
        ("hush", "Bearer other", 401),
        ("hush", "Bearer hüsch", 401),
        ("hush", "Basic hush", 401),
        ("hush", "hush", 401),
        ("hush", "bearer hush", 200),
    ],
)
def test_numbers_are_given_to_who_has_the_token(
    log_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch, token: str | None, sent: str | None, status: int
) -> None:
    if token is not None:
        monkeypatch.setenv("DAYBREAK_METRICS_TOKEN", token)
    scraper = log_in("vic")
    scraper.cookies.clear()
    found = scraper.get("/daybreak/metrics", headers={"Authorization": sent.encode()} if sent else {})
    assert found.status_code == status
    assert ("daybreak_run_rows{" in found.text) == (status == 200)
    assert "hush" not in found.text
    assert found.headers["content-type"].startswith("text/plain")
    if status == 200:
        assert 'daybreak_run_rows{pipeline="parcel_hours",outcome="scored"} 400.0\n' in found.text
