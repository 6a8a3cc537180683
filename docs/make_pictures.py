"""Take the pictures of docs/pages.md: each page as a browser shows it, from a stack that is up (`make pictures`).

It takes what is there, in light, at the width of a laptop, and Today once more in the dark and on a phone.
"""

import argparse
import sys
from io import BytesIO
from pathlib import Path

from daybreak.local.airflow_environment import USER, password
from daybreak.settings import PROJECT, Settings

IMAGES = PROJECT / "docs" / "images" / "pages"
COLOURS = 255
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def main() -> int:
    """Take them; say which browser is missing where one is."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", default="/usr/bin/chromium", help="A Chromium.")
    parser.add_argument("--pipeline", default="demand_forecast")
    parser.add_argument("--pushed", default="daily_promotions")
    parser.add_argument("--partition", required=True, help="The partition whose page is shown.")
    parser.add_argument("--into", type=Path, default=IMAGES)
    asked = parser.parse_args()
    settings = Settings()
    airflow = f"http://localhost:{settings.port}"
    own = f"dags/{asked.pipeline}"
    pages = {
        "today": "today",
        "calendar": "calendar",
        "pipeline": own,
        "partition": f"{own}/partitions/{asked.partition}",
        "roll-back": f"{own}/partitions/{asked.partition}/rollback",
        "model": f"{own}/model",
        "quality": f"{own}/quality",
        "deliveries": f"dags/{asked.pushed}/deliveries",
    }
    asked.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=asked.browser, args=["--no-sandbox"])
        context = browser.new_context(viewport=LAPTOP)
        token = context.request.post(
            f"{airflow}/auth/token", data={"username": USER, "password": password(settings.home)}
        )
        context.add_cookies([{"name": "_token", "value": token.json()["access_token"], "url": airflow}])
        shown = context.new_page()
        for name, address in pages.items():
            shown.goto(f"{airflow}/daybreak/{address}")
            keep(shown.screenshot(full_page=True), asked.into / f"{name}.png")
        shown.emulate_media(color_scheme="dark")
        shown.goto(f"{airflow}/daybreak/today")
        keep(shown.screenshot(full_page=True), asked.into / "today-dark.png")
        shown.emulate_media(color_scheme="light")
        shown.set_viewport_size(PHONE)
        shown.goto(f"{airflow}/daybreak/today")
        keep(shown.screenshot(full_page=True), asked.into / "today-phone.png")
        browser.close()
    return 0


def keep(picture: bytes, file: Path) -> None:
    """Write a picture with few colours: a page has not many."""
    from PIL import Image

    with Image.open(BytesIO(picture)) as taken:
        taken.convert("RGB").quantize(COLOURS).save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
