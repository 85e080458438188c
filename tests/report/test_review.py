"""The preprocessing review: pictures, volumes, and what counts as suspicious."""

import base64
import io
import re

import numpy as np
import pytest
from fake_review import run_script, shares
from fake_study import VOXEL_ML, lesions, tissues
from hypothesis import given
from hypothesis import strategies as st

from mribench.files import read_image, read_json, read_table
from mribench.report import mosaic
from mribench.report.grids import Grid
from mribench.report.review import coarse_template
from mribench.report.suspicion import SUSPICIOUS, make_review, robust_z
from mribench.report.templates import render


def pictures(folder):
    """The PNG files that the page carries, by their alternative text."""
    text = (folder / "index.html").read_text()
    found = re.findall(r'<img [^>]*src="data:image/png;base64,([^"]+)" alt="([^"]+)"', text)
    return {alt: base64.b64decode(data) for data, alt in found}


def named(found, *words):
    """The one picture whose text has all the words."""
    return next(data for alt, data in found.items() if all(word in alt for word in words))


def test_every_picture_is_small_described_and_inside_the_page(review):
    found = pictures(review)
    assert len(found) == (review / "index.html").read_text().count("<img")
    assert len(found) == 2 + 2 * 3 + 2 * 4
    assert max(map(len, found.values())) <= 60_000
    assert (review / "thumbnail.png").stat().st_size <= 60_000


def test_volumes_are_those_of_the_table(review):
    """Nothing is counted a second time: mixed voxels count in part there."""
    (row,) = read_table(review.parent / "anat/sub-01_volumes.tsv")
    volumes = read_json(review / "review.json")["volumes"]
    counted = {name: share.sum() * VOXEL_ML for name, share in shares().items()}
    counted["brain"] = np.count_nonzero(tissues()) * VOXEL_ML
    assert volumes == pytest.approx(counted, abs=1e-3)
    assert {name: volumes[name] for name in shares()} == {n: float(row[n]) for n in shares()}
    lesion = np.count_nonzero(lesions("sub-01", empty=False)) * VOXEL_ML
    assert float(row["reference_lesion"]) == pytest.approx(lesion, abs=1e-3)
    share = f"<td>{volumes['WM']:.1f}</td><td>{volumes['WM'] / volumes['brain']:.1%}</td>"
    assert f"<td>WM</td>{share}" in (review / "index.html").read_text()


def test_bias_range_is_that_of_the_field(review):
    found = read_json(review / "review.json")["bias"]["T1w"]
    assert 0.8 <= found["low"] < 0.95
    assert 1.05 < found["high"] <= 1.2


def test_medians_of_the_histogram_are_those_of_the_tissues(review, review_inputs):
    text = (review / "index.html").read_text()
    stated = re.search(r"Histogram of the T1w by tissue; medians: ([^\"]+)", text)[1]
    image = read_image(review_inputs / "sub-01_desc-biascorrected_T1w.nii.gz").get_fdata()
    for part, value in zip(stated.split(", "), (1, 2, 3), strict=True):
        assert float(part.split()[1]) == pytest.approx(
            np.median(image[tissues() == value]), rel=1e-3
        )


def test_review_repeats_its_bytes_and_leaves_out_an_absent_template(
    root, review_inputs, review, tmp_path
):
    again = tmp_path / "native" / "sub-01" / "figures"
    done = run_script(root, review_inputs, again, "--template-transform")
    assert done.returncode == 0, done.stderr
    found = {alt: data for alt, data in pictures(review).items() if "template" not in alt}
    assert pictures(again) == found
    assert list(read_json(again / "review.json")["registrations"]) == ["T1w"]


def test_names_cannot_become_markup():
    text = render(
        "overview.html.j2",
        variant="<script>x</script>", verdict="", flagged=1, table=Grid(()), strips=[], tiles=[],
        suspicious="", fewest=5, scale=1,
    )  # fmt: skip
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text


def test_mask_outline_is_drawn_in_red(review):
    from PIL import Image

    data = named(pictures(review), "brain mask")
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).reshape(-1, 3)
    red = (pixels == mosaic.OUTLINES[0]).all(axis=1).sum()
    assert 500 < red < len(pixels) * 0.1


def test_noise_is_squeezed_below_the_limit():
    picture = np.random.default_rng(0).integers(0, mosaic.GREYS, (900, 1200), dtype=np.uint8)
    assert len(mosaic.encode(picture)) <= mosaic.LARGEST_BYTES


def test_edges_stand_where_the_picture_steps():
    plane = np.zeros((60, 60), np.uint8)
    plane[20:40, 20:40] = 200
    rows, columns = np.nonzero(mosaic.edges(plane))
    distance = np.minimum(np.abs(rows - 19.5), np.abs(rows - 39.5))
    distance = np.minimum(distance, np.minimum(np.abs(columns - 19.5), np.abs(columns - 39.5)))
    assert len(rows) > 40
    assert distance.max() <= 1.5


def test_template_is_the_one_of_the_registration():
    from nilearn.datasets import load_mni152_template

    ours, theirs = coarse_template(), load_mni152_template(resolution=1)
    assert np.allclose(ours.affine[:3, 3], theirs.affine[:3, 3])
    assert np.allclose(np.diag(ours.affine)[:3], 2)
    full = np.asanyarray(theirs.dataobj)[::2, ::2, ::2]
    assert np.corrcoef(np.asanyarray(ours.dataobj).ravel(), full.ravel())[0, 1] > 0.999


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=30))
def test_robust_z_does_not_depend_on_unit_or_origin(values):
    array = np.array(values)
    scores = robust_z(array)
    deviation = np.median(np.abs(array - np.median(array)))
    if deviation > 1e-3:
        assert np.allclose(scores, robust_z(3 * array + 7), atol=1e-4)
        assert np.allclose(scores, -robust_z(-array))


def test_robust_z_is_the_usual_one_for_normal_values():
    values = np.random.default_rng(0).normal(5, 2, 20_000)
    assert np.std(values) == pytest.approx(2, rel=0.02)
    assert np.allclose(robust_z(values), (values - 5) / 2, atol=0.1)


def record(case, flaws=(), fit=1.2, **volumes):
    """What the review of an ordinary case measured, but for what is given."""
    ordinary = {"brain": 1400.0 + int(case[-2:]), "GM": 650, "WM": 500, "CSF": 250.0}
    entry = {"from": "T1w", "to": "FLAIR", "flaws": list(flaws), "advantage": 1.3}
    entry["information_after"] = fit + int(case[-2:]) / 1000
    return {"case": case, "volumes": ordinary | volumes, "registrations": {"T1w": entry}}


def records(count=10, **odd):
    """Ordinary cases; `odd` gives what is not ordinary by the case's number."""
    names = [f"sub-{place:02d}" for place in range(count)]
    return {name: record(name, **odd.get(name.replace("-", ""), {})) for name in names}


def test_odd_cases_are_first_and_say_why():
    made = records(sub05={"CSF": 600.0}, sub02={"brain": 500.0})
    review = make_review("native", made, "../preproc/native")
    rows = review.table.rows
    assert rows[0][0].text == "sub-02"
    assert rows[0][-1].text.startswith("brain volume low (z -")
    assert rows[0][0].link == "../preproc/native/sub-02/figures/index.html"
    assert [cell.kind for cell in rows[0][1:4]] == ["flag", "flag", ""]
    assert [entry.flagged for entry in review.suspicions[:3]] == [True, False, False]
    assert float(rows[0][1].text) >= SUSPICIOUS


def test_failed_registration_comes_before_any_volume():
    made = records(sub07={"flaws": ["another position fits better"]}, sub02={"brain": 500.0})
    review = make_review("native", made)
    assert [entry.case for entry in review.suspicions[:2]] == ["sub-07", "sub-02"]
    assert review.suspicions[0].reasons[0] == "T1w to FLAIR: another position fits better"
    assert review.suspicions[0].flagged


def test_poor_fit_is_odd_and_an_unusually_good_one_is_not():
    found = make_review("native", records(sub03={"fit": 1.0}, sub04={"fit": 1.4})).suspicions
    assert [entry.case for entry in found if entry.flagged] == ["sub-03"]
    assert found[0].reasons[0].startswith("fit of T1w to FLAIR low")


def test_a_study_of_few_cases_has_no_distribution():
    found = make_review("native", records(4, sub02={"brain": 500.0})).suspicions
    assert not any(entry.flagged for entry in found)
    flawed = make_review("native", records(2, sub01={"flaws": ["wrong"]})).suspicions
    assert [entry.case for entry in flawed if entry.flagged] == ["sub-01"]


def test_overview_names_the_odd_case_and_its_table_has_the_scores(overview):
    rows = read_table(overview.with_name("cases.tsv"))
    assert rows[0]["case"] == "sub-12"
    assert [row["flagged"] for row in rows].count("yes") == 1
    values = np.array([float(row["brain volume"]) for row in rows])
    distance = values - np.median(values)
    expected = distance / (1.4826 * np.median(np.abs(distance)))
    stated = [float(row["z of brain volume"]) for row in rows]
    assert np.allclose(stated, expected, atol=0.01)
    text = overview.read_text()
    assert "1 of 12 cases should be looked at." in text
    assert text.count("thumbnail.png") == 12
    assert '<text class="odd"' in text
