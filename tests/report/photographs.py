"""Photograph a results page for the documentation: page, leaderboard, case, viewer, phone."""

import argparse
import io
import sys
import time
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from browser import Browser

WIDTH, PHONE = 1280, 375


def save(picture: bytes, path: Path) -> None:
    """Write a picture, as small as its form allows."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.save(path, optimize=True, quality=85)


def settle(browser: Browser) -> None:
    """Wait until the pictures in sight are there."""
    browser.wait("[...document.images].every((i) => i.complete || i.loading === 'lazy')")
    time.sleep(2)


def photograph_page(browser: Browser, page: Path, folder: Path) -> None:
    """Photograph the answer, then the leaderboard sorted and filtered."""
    browser.open(page, WIDTH)
    settle(browser)
    browser.photograph(folder / "results_page.png", 1200)
    save((folder / "results_page.png").read_bytes(), folder / "results_page.png")
    browser.run("document.querySelectorAll('#leaderboard thead th button')[1].click()")
    browser.run("document.querySelector('.part').selectedIndex = 4")
    browser.run("document.querySelector('#leaderboard input').value = 't'")
    browser.run("document.querySelector('.part').dispatchEvent(new Event('input'))")
    save(browser.picture("#leaderboard"), folder / "leaderboard.png")


def photograph_case(browser: Browser, page: Path, folder: Path) -> None:
    """Photograph the first case opened, then its viewer."""
    browser.open(page, WIDTH)
    browser.run("document.querySelector('[id^=case-]').open = true")
    browser.run("document.querySelector('[id^=case-] .panes').scrollIntoView()")
    settle(browser)
    save(browser.picture("[id^=case-]"), folder / "case.jpg")
    browser.run("document.querySelector('.viewer button').click()")
    browser.wait("opened?.ready && opened.host.hidden")
    settle(browser)
    save(browser.picture("[id^=case-] > div:last-child"), folder / "viewer.jpg")


def photograph_phone(browser: Browser, page: Path, folder: Path) -> None:
    """Photograph the page on a phone, in the dark."""
    browser.open(page, PHONE, dark=True)
    settle(browser)
    browser.photograph(folder / "results_page_phone.png", 1400)
    save((folder / "results_page_phone.png").read_bytes(), folder / "results_page_phone.png")


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("page", type=Path, help="index.html of a report")
    made.add_argument("folder", type=Path, help="where the pictures go")
    arguments = made.parse_args()
    with Browser() as opened:
        for photograph in (photograph_page, photograph_case, photograph_phone):
            photograph(opened, arguments.page, arguments.folder)
