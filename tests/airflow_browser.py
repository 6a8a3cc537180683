"""A real browser, headless, on a real Airflow; tests are skipped with the reason where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return the program, or skip the test and say what is missing."""
    pytest.importorskip("playwright.sync_api", reason="needs requirements/browser-tests.txt")
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return pytest.skip("needs a Chromium: Debian's package `chromium`")


@contextmanager
def browsing() -> Iterator[Any]:
    """Open the browser."""
    from playwright.sync_api import sync_playwright

    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def log_in(browser: Any, url: str, name: str, password: str, **options: Any) -> Any:
    """Log somebody in by Airflow's own form; return the page that it leads to."""
    page = browser.new_context(**options).new_page()
    page.goto(url)
    page.locator('input[name="username"]').fill(name)
    page.locator('input[name="password"]').fill(password)
    page.locator('button[type="submit"]').click()
    page.wait_for_url(lambda address: "/login" not in address)
    return page
