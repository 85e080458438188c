"""The pages in headless Chromium: sizes, sorting, keyboard, colours, and no requests."""

import pytest
from browser import PROGRAM, Browser
from fake_study import SITES

from mribench.files import read_table

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs Chromium (apt install chromium)")
COLUMN = "[...document.querySelectorAll('#leaderboard table.sortable')[0].tBodies[0].rows]"


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_page_fits_its_width_and_asks_for_nothing(browser, page, width, dark):
    browser.open(page, width, dark)
    browser.run("document.querySelectorAll('details').forEach(item => item.open = true)")
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("innerWidth") == width
    assert all(address.startswith(("file:", "data:")) for address in browser.requests())
    assert browser.complaints() == []


def test_all_pictures_load_from_disk(browser, page):
    browser.open(page, 1280)
    loading = """Promise.all([...document.images].map((image) => {
        image.closest('details')?.setAttribute('open', '');
        image.loading = 'eager';
        return image.decode().then(() => true, () => false);
    })).then((found) => found.every(Boolean) && found.length)"""
    answer = browser.call(
        "Runtime.evaluate", expression=loading, returnByValue=True, awaitPromise=True
    )
    assert answer["result"]["value"] > 40


def test_columns_sort_both_ways(browser, page):
    browser.open(page, 1280)
    column = f"{COLUMN}.map((row) => parseFloat(row.cells[1].textContent))"
    click = "document.querySelectorAll('#leaderboard thead th button')[1].click()"
    browser.run(click)
    upward = browser.run(column)
    assert upward == sorted(upward)
    browser.run(click)
    assert browser.run(column) == sorted(upward, reverse=True)
    state = "document.querySelectorAll('#leaderboard thead th')[1].getAttribute('aria-sort')"
    assert browser.run(state) == "descending"


def test_text_columns_and_missing_values_sort(browser, page):
    browser.open(page, 1280)
    browser.run("document.querySelector('#leaderboard thead th button').click()")
    names = browser.run(f"{COLUMN}.map((row) => row.cells[0].textContent.trim())")
    assert names == sorted(names)


ROWS = "[...document.querySelectorAll('.board:not([hidden]) tbody tr')]"
SEEN = f"{ROWS}.filter((row) => !row.hidden).map((row) => row.cells[0].textContent.trim())"
HEADS = "[...document.querySelectorAll('.board:not([hidden]) thead th')].filter((h) => !h.hidden)"


def choose(browser, name, place):
    """Choose an entry of a list as a click does."""
    browser.run(
        f"(s => {{ s.selectedIndex = {place}; s.dispatchEvent(new Event('input')); }})"
        f"(document.querySelector('#board-choices {name}'))"
    )


def test_the_filter_keeps_methods_by_name(browser, page):
    browser.open(page, 375)
    browser.run("document.querySelector('#leaderboard input').focus()")
    browser.type("UNET")
    assert browser.run(SEEN) == ["unet2d"]
    assert browser.run("document.querySelector('#leaderboard output').textContent") == "1 of 3 rows"
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "part"
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "metric"
    assert browser.run("document.documentElement.scrollWidth") <= 375


def test_a_site_and_a_metric_can_be_chosen(browser, page, mini):
    browser.open(page, 1280)
    parts = browser.run("[...document.querySelectorAll('.part option')].map((o) => o.textContent)")
    assert parts[0] == "all"
    assert parts[-2:] == sorted(SITES)
    choose(browser, ".part", len(parts) - 1)
    choose(browser, ".metric", 1)
    heads = browser.run(f"{HEADS}.map((head) => head.textContent.trim())")
    assert heads == ["Method", "Dice (wmh2017) ↑", "Mean rank", "Cases"]
    found = browser.run(
        f"{ROWS}.map((r) => [r.cells[0], r.cells[1]].map((c) => c.textContent.trim()))"
    )
    rows = read_table(mini.folder / "strata.csv")
    means = {
        row["method"]: f"{float(row['mean']):.3f} ± "
        for row in rows
        if (row["level"], row["metric"]) == (max(SITES), "dice")
    }
    assert {name for name, _ in found} == set(means)
    assert all(value.startswith(means[name]) for name, value in found)
    choose(browser, ".metric", 0)
    assert browser.run(f"{HEADS}.length") == 8


def test_keyboard_sorts_and_opens_a_case(browser, page):
    browser.open(page, 1280)
    browser.run("document.querySelector('#leaderboard thead th button').focus()")
    browser.press("Enter")
    head = "document.querySelector('#leaderboard thead th').getAttribute('aria-sort')"
    assert browser.run(head) == "ascending"
    browser.run("document.querySelector('[id^=case-] summary').focus()")
    browser.press("Enter")
    assert browser.run("document.querySelector('[id^=case-]').open") is True
    first = "document.querySelector('[id^=case-] figcaption').getBoundingClientRect().height"
    assert browser.run(first) > 0


def test_slices_have_their_size_before_their_pictures_have_loaded(browser, page):
    browser.open(page, 1280)
    films = "[...document.querySelectorAll('[id^=case-] .film')]"
    browser.run("document.querySelector('[id^=case-]').open = true")
    ratios = browser.run(
        f"{films}.slice(0, 2).map((film) => [film.children[0].naturalHeight,"
        " film.children[0].offsetHeight / film.offsetHeight])"
    )
    shown = "document.querySelector('[id^=case-] input').dataset.places.split(' ').length"
    for loaded, ratio in ratios:
        assert loaded == 0
        assert ratio == pytest.approx(browser.run(shown), rel=0.02)


def test_slices_scroll_with_keyboard_and_slider(browser, page):
    browser.open(page, 375)
    browser.run("document.querySelector('[id^=case-] summary').focus()")
    browser.press("Enter")
    scroller = "document.querySelector('.scroller')"
    slider = f"{scroller}.querySelector('input[type=range]')"
    place = f"{scroller}.querySelector('output').textContent"
    before = browser.run(place)
    browser.press("ArrowLeft")
    after = browser.run(place)
    assert int(after) < int(before)
    browser.run(f"{slider}.focus()")
    browser.press("ArrowRight")
    assert browser.run(place) == before
    films = f"[...{scroller}.querySelectorAll('.film')].map((f) => f.getBoundingClientRect())"
    assert browser.run(f"Math.max(...{films}.map((box) => box.right))") <= 375
    shift = f"getComputedStyle({scroller}.querySelector('.film img')).transform"
    first = browser.run(shift)
    browser.run(f"{slider}.value = 0; {slider}.dispatchEvent(new Event('input'))")
    assert browser.run(shift) != first
    overlay = f"getComputedStyle({scroller}.querySelectorAll('.film')[1].children[1]).visibility"
    assert browser.run(overlay) == "visible"
    browser.run(f"{scroller}.querySelector('input[type=checkbox]').click()")
    assert browser.run(overlay) == "hidden"


def test_nothing_of_the_studys_text_runs(browser, page):
    browser.open(page, 1280)
    assert browser.run("document.scripts.length") == 1
    assert "<script>" in browser.run("document.querySelector('h1').textContent")


def test_dark_and_light_differ_and_are_legible(browser, page):
    ratios = []
    for dark in (False, True):
        browser.open(page, 1280, dark)
        for name in ("body", ".soft", "a", "td.flag"):
            style = f"getComputedStyle(document.querySelector('{name}')).color"
            ground = "getComputedStyle(document.body).backgroundColor"
            ratios.append(contrast(browser.run(style), browser.run(ground)))
    assert min(ratios) >= 4.5


def test_review_page_shows_its_pictures_on_a_phone(browser, review):
    browser.open(review / "index.html", 390)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.run("[...document.images].every((image) => image.naturalWidth > 300)") is True
    assert browser.complaints() == []


def shown(browser, name):
    """Which frames of a picture can be seen, from the lowest to the highest."""
    frames = f"[...document.querySelectorAll('#{name} .frames img')]"
    visible = "getComputedStyle(image).visibility === 'visible'"
    return browser.run(f"{frames}.filter((image) => {visible}).map((image) => image.className)")


def blinks(browser, name):
    """Which frames of a picture have a running animation."""
    running = "image.getAnimations().some((animation) => animation.playState === 'running')"
    frames = f"[...document.querySelectorAll('#{name} .frames img')]"
    return browser.run(f"{frames}.filter((image) => {running}).map((image) => image.className)")


def test_registration_blinks_until_paused_and_the_keyboard_chooses(browser, review):
    name = "registration_T1w"
    browser.open(review / "index.html", 1280)
    assert blinks(browser, name) == ["c"]
    browser.run(f"document.querySelector('#{name}-pause').focus()")
    browser.press("Space")
    assert blinks(browser, name) == []
    browser.press("Space")
    assert blinks(browser, name) == ["c"]
    for style, frames in [("show-a", ["a"]), ("show-b", ["b"]), ("show-d", ["d"])]:
        browser.run(f"document.querySelector('#{name}-{style}').focus()")
        browser.press("Space")
        assert shown(browser, name) == frames
        assert blinks(browser, name) == []


def test_nothing_blinks_where_motion_is_not_wanted(browser, review):
    browser.open(review / "index.html", 1280)
    feature = {"name": "prefers-reduced-motion", "value": "reduce"}
    browser.call("Emulation.setEmulatedMedia", features=[feature])
    assert blinks(browser, "registration_T1w") == []
    assert shown(browser, "registration_T1w") == ["a", "c"]


@pytest.mark.parametrize("dark", [False, True])
def test_overview_fits_a_phone(browser, overview, dark):
    browser.open(overview, 390, dark)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert all(address.startswith(("file:", "data:")) for address in browser.requests())


def contrast(first, second):
    """Contrast ratio of two CSS colours (WCAG 2)."""
    shades = sorted(luminance(colour) for colour in (first, second))
    return (shades[1] + 0.05) / (shades[0] + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
