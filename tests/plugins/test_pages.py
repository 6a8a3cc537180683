"""The pages in Airflow's own API server, with its own logins: what is shown, who may see and change what."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daybreak.ledger.deliveries import Deliveries, Opened
from daybreak.settings import Settings
from parcels import DAY, SHORT_DAY, Parcels
from processes import environment

HTML = {"Accept": "text/html"}
SAME = {**HTML, "Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}
PARTITION = f"/daybreak/dags/parcel_hours/partitions/{DAY}"
FILE = (
    "from daybreak_airflow import scoring_dag\nfrom fixture_pipelines import PARCEL_HOURS\nscoring_dag(PARCEL_HOURS)\n"
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
    from datetime import UTC, datetime

    from fixture_pipelines import PARCEL_HOURS

    yesterday = PARCEL_HOURS.calendar.last_complete(datetime.now(UTC)).first_day
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
