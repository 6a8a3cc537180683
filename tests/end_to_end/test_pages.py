"""The pages in a real browser on a real Airflow: through the login, each page, each change, a viewer's refusal."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_browser import browsing, chromium, log_in
from airflow_stack import DAG, SharedAirflow, Stack
from daybreak.declaration.segments import ModelRef
from daybreak.local.airflow_environment import USER, VIEWER, password
from daybreak.models.aliases import Decision
from waiting import until

REPLAY, PROMOTE = "replay_quarantine", "promote_models"
BACK = 3
Page = Any


@pytest.fixture(scope="module")
def stack(sales_airflow: SharedAirflow) -> Iterator[Stack]:
    """Publish a day, and make a second version the champion."""
    chromium()
    with sales_airflow.with_dags(DAG, REPLAY, PROMOTE) as running:
        running.finished(running.trigger(running.day(BACK)))
        trained = running.sales.trained
        again = running.workspace.registry.register(
            DAG, trained.model, trained.sample, trained_through=trained.trained_through
        )
        running.workspace.aliases(ModelRef(DAG)).move(again.version, Decision("test"))
        yield running


@pytest.fixture(scope="module")
def browser(stack: Stack) -> Iterator[Any]:
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(stack: Stack, browser: Any) -> Page:
    """Log in by Airflow's form, and come to Today in Airflow's own frame."""
    home = stack.settings.home
    return log_in(browser, f"{stack.airflow.url}/plugin/daybreak", USER, password(home), color_scheme="light")


@pytest.fixture(scope="module")
def viewer(stack: Stack, browser: Any) -> Page:
    home = stack.settings.home
    return log_in(browser, f"{stack.airflow.url}/plugin/daybreak", VIEWER, password(home, VIEWER))


def own(stack: Stack, address: str = "") -> str:
    return f"{stack.airflow.url}/daybreak/dags/{DAG}{address}"


def partition(stack: Stack) -> str:
    return own(stack, f"/partitions/{stack.day(BACK)}")


def do(page: Page, address: str, label: str) -> str:
    """Choose a change on a page, read what it will do, do it; return what is said then."""
    page.goto(address)
    page.get_by_role("link", name=re.compile(f"^{label}")).click()
    page.get_by_text("This is what it will do:").wait_for()
    page.get_by_role("button", name=re.compile(f"^{label}")).click()
    return str(page.get_by_role("status").inner_text())


def current(stack: Stack) -> int:
    statement = "SELECT run_id FROM ledger.publications WHERE partition_key = :key AND withdrawn_at IS NULL"
    return int(stack.ask(statement, key=str(stack.day(BACK)))[0][0])


def runs_of(stack: Stack, trigger: str) -> list[tuple[Any, ...]]:
    return stack.ask(
        "SELECT state, asked_by FROM ledger.runs WHERE trigger = :trigger ORDER BY run_id", trigger=trigger
    )


def test_the_login_leads_to_today_within_airflow(stack: Stack, admin: Page) -> None:
    admin.goto(f"{stack.airflow.url}/plugin/daybreak")
    frame = admin.frame_locator("iframe")
    frame.get_by_role("heading", name="Are the last predictions there?").wait_for()
    frame.get_by_role("link", name="Demand forecast", exact=True).click()
    frame.get_by_role("heading", name="Demand forecast", exact=True).wait_for()
    # The address leads here again.
    admin.reload()
    frame.get_by_role("heading", name="Demand forecast", exact=True).wait_for()


def test_a_dag_and_its_run_have_a_tab_of_their_own(stack: Stack, admin: Page) -> None:
    [run] = [run for run in stack.airflow.api.runs(DAG) if run.partition == str(stack.day(BACK))]
    for address, says in (
        (f"/dags/{DAG}", "Demand forecast"),
        (f"/dags/{DAG}/runs/{run.run_id}", str(stack.day(BACK))),
    ):
        admin.goto(f"{stack.airflow.url}{address}")
        admin.get_by_role("link", name="Daybreak", exact=True).last.click()
        admin.frame_locator("iframe").get_by_role("heading", name=re.compile(says)).first.wait_for()


def test_airflows_dark_is_theirs(stack: Stack, admin: Page) -> None:
    admin.goto(f"{stack.airflow.url}/plugin/daybreak")
    body = admin.frame_locator("iframe").locator("body")
    body.wait_for()
    light = body.evaluate("body => getComputedStyle(body).backgroundColor")
    admin.evaluate("document.documentElement.className = 'dark'")
    until(lambda: body.evaluate("body => getComputedStyle(body).backgroundColor") != light, "the pages to be dark")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_screen(stack: Stack, viewer: Page, width: int) -> None:
    viewer.set_viewport_size({"width": width, "height": 844})
    pages = ["", "/model", "/quality", "/deliveries", f"/partitions/{stack.day(BACK)}"]
    for address in (*(own(stack, page) for page in pages), f"{stack.airflow.url}/daybreak/today"):
        viewer.goto(address)
        assert viewer.evaluate("document.documentElement.scrollWidth") <= width, address


def test_pages_can_be_walked_by_the_keyboard(stack: Stack, admin: Page) -> None:
    admin.goto(f"{stack.airflow.url}/daybreak/today")
    admin.keyboard.press("Tab")
    assert admin.evaluate("document.activeElement.textContent") == "To the content"
    admin.keyboard.press("Tab")
    admin.keyboard.press("Tab")
    admin.keyboard.press("Enter")
    admin.wait_for_url("**/daybreak/calendar")


def test_a_viewer_is_offered_nothing(stack: Stack, viewer: Page) -> None:
    viewer.goto(partition(stack))
    assert viewer.get_by_role("link", name=re.compile("^(Run|Roll|Replay)")).count() == 0
    refused = viewer.goto(f"{partition(stack)}/run")
    assert refused.status == 403
    assert "Your login may not see or do this." in viewer.locator("main").inner_text()


def test_a_partition_that_is_outdated_is_chosen_in_the_calendar_and_says_what_to_do(stack: Stack, viewer: Page) -> None:
    stack.ask("INSERT INTO ledger.source_looks VALUES (:run, true, now())", run=current(stack))
    viewer.goto(f"{stack.airflow.url}/daybreak/calendar")
    viewer.get_by_role("link", name=f"{stack.day(BACK)}: outdated").click()
    viewer.get_by_text("Its source has changed since it was made").wait_for()
    stack.ask("DELETE FROM ledger.source_looks")


def test_a_column_that_drifts_leads_to_how_it_is_spread(stack: Stack, viewer: Page) -> None:
    stack.ask(
        "INSERT INTO ledger.drift (run_id, pipeline, partition_key, partition_date, column_name, model_version, "
        "divergence, threshold, drifted, rows, measured_at, shares) "
        "SELECT run_id, pipeline, partition_key, partition_date, name, model_version, far, 0.2, far > 0.2, 400, now(), "
        "NULL FROM ledger.runs CROSS JOIN (VALUES ('units_7d', 0.1), ('units_28d', 0.4)) AS columns (name, far) "
        "WHERE run_id = :run",
        run=current(stack),
    )
    viewer.goto(own(stack, "/quality"))
    viewer.get_by_role("heading", name=f"How units_28d is spread in {stack.day(BACK)}").wait_for()
    viewer.get_by_role("link", name="units_7d", exact=True).press("Enter")
    viewer.get_by_role("heading", name=f"How units_7d is spread in {stack.day(BACK)}").wait_for()
    stack.ask("DELETE FROM ledger.drift")


def test_running_again_replaying_and_rolling_back(stack: Stack, admin: Page) -> None:
    first = current(stack)
    assert "Airflow has the run" in do(admin, partition(stack), "Run again")
    until(lambda: current(stack) != first, "the new run to be published")
    second = current(stack)
    assert runs_of(stack, "manual")[-1] == ("published", USER)

    assert REPLAY in do(admin, partition(stack), "Replay the quarantine")
    until(lambda: current(stack) != second, "the replay to be published")
    assert runs_of(stack, "replay") == [("published", USER)]

    assert do(admin, partition(stack), "Roll back") == f"Run {second} is the current one again."
    assert current(stack) == second
    asked = stack.ask("SELECT reason, asked_by FROM ledger.publications ORDER BY publication_id DESC LIMIT 1")
    assert asked == [("rollback", USER)]


def test_demoting_and_promoting(stack: Stack, admin: Page) -> None:
    champion = stack.workspace.aliases(ModelRef(DAG))
    newer = champion.current()
    assert "is the champion again" in do(admin, own(stack, "/model"), "Demote")
    assert champion.current() != newer
    [demoted, *_] = champion.history()
    assert demoted["decided_by"] == f"page, {USER}"
    stack.workspace.aliases(ModelRef(DAG, "challenger")).move(newer, Decision("test"))

    assert PROMOTE in do(admin, own(stack, "/model"), "Promote")
    until(lambda: champion.history()[0]["decided_by"] != f"page, {USER}", "the challenger to be judged")
    judged = champion.history()[0]
    # The same model once more is not better, and so it is refused: with its reasons, in the name of who asked.
    assert (judged["outcome"], judged["version"]) == ("refused", newer)
    assert judged["decided_by"].endswith(f"approved by {USER}")
    admin.goto(own(stack, "/model"))
    admin.get_by_text("How it was judged last").wait_for()


def test_what_was_done_is_in_airflows_audit_log(stack: Stack) -> None:
    found = stack.http.send("GET", "/api/v2/eventLogs", params={"event_pattern": "daybreak", "limit": 100})
    events = {(entry["event"], entry["owner"]) for entry in found["event_logs"]}
    assert {(f"daybreak_{name}", USER) for name in ("run", "replay", "rollback", "demote", "promote")} <= events
