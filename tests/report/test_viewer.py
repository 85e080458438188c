"""The volume viewer: its volumes, its script, and both in headless Chromium."""

import base64
import gzip
import io
import json
import re
from importlib.metadata import PackageNotFoundError, version

import nibabel
import numpy as np
import pytest
from browser import PROGRAM, Browser
from fake_study import AFFINE, CASES, METHODS
from PIL import Image

from mribench.files import read_image
from mribench.report import slices, viewer
from mribench.report.case_images import CaseImages
from mribench.report.case_volumes import save_volumes
from mribench.report.page import write_page

CASE = "sub-07"


def has_package() -> bool:
    """Say whether the wheel that brings NiiVue is installed."""
    try:
        return bool(version(viewer.PACKAGE))
    except PackageNotFoundError:
        return False


NEEDS_NIIVUE = pytest.mark.skipif(not has_package(), reason="needs ipyniivue, which brings NiiVue")
NEEDS_CHROMIUM = pytest.mark.skipif(not PROGRAM, reason="needs Chromium (apt install chromium)")


def read_volumes(path):
    """Return the case's name and its volumes as the page receives them."""
    call = re.fullmatch(r"receiveVolumes\((.*)\);\n", path.read_text(), re.S)
    name, content = json.loads(f"[{call[1]}]")
    return name, content


def decode(text):
    """Return a volume as a NIfTI image."""
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(text)))


@pytest.fixture(scope="session")
def received(figures):
    return read_volumes(figures / "cases" / CASE / "volumes.js")


def test_volumes_are_cut_from_the_grid_of_the_label(received, mini):
    name, content = received
    assert name == CASE
    reference = decode(content["reference"])
    label = read_image(
        mini.bids / f"derivatives/truth/{CASE}/anat/{CASE}_space-FLAIR_label-lesion_mask.nii.gz"
    )
    start = np.rint(np.linalg.inv(AFFINE) @ reference.affine[:, 3])[:3].astype(int)
    box = tuple(slice(low, low + size) for low, size in zip(start, reference.shape, strict=True))
    assert np.array_equal(reference.affine[:3, :3], AFFINE[:3, :3])
    assert np.array_equal(reference.dataobj, label.dataobj[box])
    assert np.count_nonzero(reference.dataobj) == np.count_nonzero(label.dataobj)
    assert np.asarray(reference.dataobj)[tuple(content["start"])] == 1


def test_errors_are_those_of_every_method(received, results):
    content = received[1]
    assert set(content["errors"]) == set(METHODS)
    reference = np.asarray(decode(content["reference"]).dataobj)
    for name, text in content["errors"].items():
        predicted = np.asarray(read_image(results.prediction(name, CASE)).dataobj)
        found = np.bincount(np.asarray(decode(text).dataobj).ravel(), minlength=4)
        assert found[1] + found[3] == reference.sum()
        assert found[1] + found[2] == predicted.sum()


def test_the_box_holds_what_lies_outside_the_head(tmp_path):
    volume = np.zeros((40, 40, 30))
    volume[10:30, 10:30, 10:20] = 100
    predicted = np.zeros(volume.shape, np.uint8)
    predicted[38, 1, 28] = 1
    case = CaseImages(
        "sub-01", slices.Volume(volume, (1.0, 1.0, 1.0)), np.zeros_like(predicted),
        {"net": predicted}, slices_grid(volume.shape),
    )  # fmt: skip
    save_volumes(case, tmp_path / "volumes.js")
    content = read_volumes(tmp_path / "volumes.js")[1]
    errors = decode(content["errors"]["net"])
    assert errors.shape == (36, 36, 26)
    place = errors.affine @ [*content["start"], 1]
    assert place[:3].tolist() == [38, 1, 28]
    assert np.asarray(errors.dataobj).sum() == 2


def slices_grid(shape):
    """A grid of 1 mm voxels that starts at the origin."""
    return slices.Grid(shape, np.eye(4))


def test_without_the_package_the_page_is_whole_and_has_no_viewer(
    page, mini, configuration, tmp_path, monkeypatch
):
    monkeypatch.setattr(viewer, "PACKAGE", "no-such-package")
    path = mini.folder / "report_without_viewer/index.html"
    write_page(configuration, mini.folder, path)
    text = path.read_text()
    assert "viewer" not in text.split("<body>")[1].split("<script>")[0]
    assert "'self'" not in re.search("script-src[^;]*", text)[0]
    assert text.count('<div class="scroller"') == len(CASES)
    assert not (path.parent / "figures/niivue.js").exists()


@NEEDS_NIIVUE
def test_niivue_is_a_script_with_its_licence_on_top(page):
    text = (page.parent / "figures/niivue.js").read_text()
    assert text.startswith("/*!\nBSD 2-Clause License")
    assert "Niivue,PEN_TYPE" in text[-400:]
    assert not re.search(r"\bexport\s*\{", text)


def colours(picture):
    """How many pixels have a colour, and how many grey levels there are."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    coloured = (pixels.max(axis=-1) - pixels.min(axis=-1)) > 60
    return int(coloured.sum()), len(np.unique(pixels[~coloured]))


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened


def open_viewer(browser, page, width=1280):
    browser.open(page, width)
    browser.run(f"document.querySelector('#case-{CASE}').open = true")
    browser.run(f"document.querySelector('#case-{CASE} .viewer button').focus()")
    browser.press("Enter")
    browser.wait(f"document.querySelector('#case-{CASE} .viewer').hidden")


def select(browser, name, value):
    browser.run(
        f"(s => {{ s.value = {value!r}; s.dispatchEvent(new Event('change')); }})"
        f"(document.querySelector('select.{name}'))"
    )


@NEEDS_NIIVUE
@NEEDS_CHROMIUM
def test_the_viewer_draws_a_case_and_changes_its_overlay(browser, page):
    open_viewer(browser, page)
    pictures = {"leader": browser.picture("canvas")}
    for name in ("flair_threshold", "reference", ""):
        select(browser, "overlay", name)
        browser.wait("opened.ready")
        pictures[name] = browser.picture("canvas")
    counted = {name: colours(picture) for name, picture in pictures.items()}
    assert counted[""][0] == 0
    assert counted[""][1] > 40
    assert min(counted[name][0] for name in ("leader", "flair_threshold", "reference")) > 20
    assert len({counted[name] for name in counted}) == 4
    assert browser.complaints() == []
    assert all(address.startswith(("file:", "data:")) for address in browser.requests())


@NEEDS_NIIVUE
@NEEDS_CHROMIUM
def test_keys_move_through_the_viewer_and_close_it(browser, page):
    open_viewer(browser, page, 375)
    assert browser.run("document.documentElement.scrollWidth") <= 375
    assert browser.run("document.activeElement.tagName") == "CANVAS"
    place = "[...opened.niivue.frac2vox(opened.niivue.scene.crosshairPos)].map(Math.round)"
    before = browser.run(place)
    film = "document.querySelector('[id^=case-][open] .scroller output').textContent"
    number = browser.run(film)
    browser.press("ArrowLeft")
    assert browser.run(place) == [before[0] + 1, *before[1:]]
    assert browser.run(film) == number
    browser.run("document.querySelector('.close').focus()")
    browser.press("Enter")
    assert browser.run("document.querySelectorAll('canvas').length") == 0
    assert browser.run("document.activeElement.textContent") == "Open the volume viewer"


@NEEDS_NIIVUE
@NEEDS_CHROMIUM
def test_a_browser_without_webgl_is_told_so(browser, page):
    browser.open(page, 1280)
    browser.run("HTMLCanvasElement.prototype.getContext = () => null")
    browser.run("document.querySelector('.viewer button').click()")
    said = browser.run("document.querySelector('.viewer output').textContent")
    assert said.startswith("The viewer needs WebGL 2")
    assert not any(address.endswith("niivue.js") for address in browser.requests())
