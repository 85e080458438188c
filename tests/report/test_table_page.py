"""A table's own page in headless Chromium: sort, filter, keyboard, and no requests."""

import pytest
from browser import PROGRAM, Browser

from mribench.report.html_table import to_html
from mribench.report.tables import Cell, Column, Table

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs Chromium (apt install chromium)")
VALUES = {"unet": "0.75 ± 0.10", "scp": "0.825 ± 0.05", "<b>bad": "n/a", "tiny": "<0.001"}
NAMES = "[...document.querySelectorAll('tbody tr')].filter(r => !r.hidden)"
NAMES += ".map(r => r.cells[0].textContent)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    table = Table(
        name="trial",
        title="Trial & error",
        columns=[Column("Method"), Column("Dice", numbers=True)],
        rows=[[Cell(name), Cell(value, mark="*")] for name, value in VALUES.items()],
        notes=["A note."],
    )
    path = tmp_path_factory.mktemp("pages") / "trial.html"
    path.write_text(to_html(table), encoding="utf-8")
    with Browser() as opened:
        opened.page = path
        yield opened


def test_numbers_sort_both_ways_and_missing_ones_stay_last(browser):
    browser.open(browser.page, 1280)
    click = "document.querySelectorAll('th button')[1].click()"
    browser.run(click)
    assert browser.run(NAMES) == ["tiny", "unet", "scp", "<b>bad"]
    browser.run(click)
    assert browser.run(NAMES) == ["scp", "unet", "tiny", "<b>bad"]
    state = "document.querySelectorAll('th')[1].getAttribute('aria-sort')"
    assert browser.run(state) == "descending"


def test_the_filter_keeps_rows_with_all_words_and_counts_them(browser):
    browser.open(browser.page, 1280)
    enter = (
        "f = document.querySelector('input'); f.value = {!r}; f.dispatchEvent(new Event('input'))"
    )
    browser.run(enter.format("0.75 UNET"))
    assert browser.run(NAMES) == ["unet"]
    assert browser.run("document.querySelector('output').textContent") == "1 of 4 rows"
    browser.run(enter.format(""))
    assert len(browser.run(NAMES)) == 4


def test_the_keyboard_reaches_filter_and_heads(browser):
    browser.open(browser.page, 1280)
    browser.press("Tab")
    assert browser.run("document.activeElement.tagName") == "INPUT"
    browser.press("Tab")
    browser.press("Tab")
    assert browser.run("document.activeElement.textContent") == "Method"
    browser.press("Enter")
    assert browser.run("document.querySelector('th').getAttribute('aria-sort')") == "ascending"
    names = browser.run(NAMES)
    assert names == ["<b>bad", "scp", "tiny", "unet"]


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_asks_for_nothing(browser, dark):
    browser.open(browser.page, 375, dark)
    assert browser.run("document.documentElement.scrollWidth") <= 375
    assert all(address.startswith("file:") for address in browser.requests())
    assert browser.complaints() == []
