import json

import hypothesis.strategies as st
import nibabel
import numpy as np
import pytest
from hypothesis import given, settings

from mribench import config
from mribench.config import FITTED, read_intensity
from mribench.errors import StageError
from mribench.files import make_image, write_image
from mribench.plugins import backends
from mribench.preprocessing.normalise_intensity import normalise_case
from mribench.preprocessing.plugin import backend
from mribench.preprocessing.scales import Brain, find_landmarks, follow_landmarks

RANDOM = np.random.default_rng(0)
TISSUES = np.repeat([1, 2, 3, 0], 1000)
VALUES = RANDOM.normal(np.array([500, 700, 900, 200])[TISSUES], 40).clip(1)
ALL = backends("normalise_intensity")
AFFINE_INVARIANT = sorted(set(ALL) - {"mean", "window"})
UNIT_RANGE = ("percentile", "minmax", "quantiles", "window")


def run(name, values=VALUES, tissues=TISSUES, file="sub-09_desc-preproc_T1w.nii.gz", **keys):
    brain = Brain(np.asarray(values, dtype=np.float64), tissues, file)
    return backend("normalise_intensity", name).normalise(
        brain, read_intensity({"method": name, **keys})
    )


def test_every_file_has_its_settings_and_the_other_way_round():
    models = (read_intensity({"method": name}) for name in ALL)
    assert [model.method for model in models] == list(ALL)
    fitted = [n for n in ALL if hasattr(backend("normalise_intensity", n), "percents")]
    assert fitted == sorted(FITTED)
    assert read_intensity(None) == config.Variant().intensity


def test_zscore_has_mean_zero_and_deviation_one():
    scores = run("zscore")
    assert scores.mean() == pytest.approx(0, abs=1e-12)
    assert scores.std() == pytest.approx(1)


def test_white_matter_alone_decides_its_score():
    scores = run("whitematter")
    assert scores[TISSUES == 2].mean() == pytest.approx(0, abs=1e-12)
    assert scores[TISSUES == 2].std() == pytest.approx(1)
    lesioned = np.where(TISSUES == 3, 5000, VALUES)
    np.testing.assert_array_equal(run("whitematter", lesioned)[TISSUES != 3], scores[TISSUES != 3])


def test_percentiles_against_sorted_values():
    """With 1001 values the k-th smallest is the (k / 10)-th percentile, exactly."""
    values = RANDOM.permutation(np.arange(1001.0) ** 2)
    scores = run("percentile", values, np.zeros(1001), low=2, high=90)
    expected = [min(max((value - 20**2) / (900**2 - 20**2), 0), 1) for value in values]
    np.testing.assert_allclose(scores, expected, atol=1e-12)


def test_mean_and_range():
    np.testing.assert_allclose(run("mean", [1, 2, 6], np.zeros(3)), [1 / 3, 2 / 3, 2])
    np.testing.assert_allclose(run("minmax", [1, 2, 6], np.zeros(3)), [0, 0.2, 1])


def test_quantiles_count_the_darker_voxels():
    values = RANDOM.integers(0, 30, 200)
    darker = [(values < value).sum() + (values == value).sum() / 2 for value in values]
    np.testing.assert_allclose(run("quantiles", values, np.zeros(200)), np.array(darker) / 200)


def test_window_is_that_of_dicom():
    values = np.array([-1000, 0, 20, 40, 80, 3000])
    found = run("window", values, np.zeros(6), centre=40, width=80)
    np.testing.assert_allclose(found, [0, 0, 0.25, 0.5, 1, 1])


def test_fitted_methods_bring_two_percentiles_to_zero_and_one():
    found = run("nyul", low=5, high=95)
    np.testing.assert_allclose(np.percentile(found, [5, 95]), [0, 1], atol=1e-12)
    np.testing.assert_allclose(np.percentile(run("histogram"), [1, 99]), [0, 1], atol=1e-12)


@pytest.mark.parametrize("name", ALL)
@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-1000, 1000))
@settings(max_examples=15, deadline=None)
def test_order_is_kept_and_the_scanner_scale_does_not_matter(name, seed, scale, shift):
    random = np.random.default_rng(seed)
    values, tissues = random.gamma(3, 100, 500), random.integers(1, 3, 500)
    found = run(name, values, tissues)
    assert (np.diff(found[np.argsort(values)]) >= 0).all()
    assert np.isfinite(found).all()
    if name in UNIT_RANGE:
        assert found.min() >= 0
        assert found.max() <= 1
    if name in AFFINE_INVARIANT:
        np.testing.assert_allclose(run(name, scale * values + shift, tissues), found, atol=1e-6)
    if name == "mean":
        np.testing.assert_allclose(run(name, scale * values, tissues), found)


@pytest.mark.parametrize("name", sorted(set(ALL) - {"mean", "window"}))
def test_a_brain_of_one_value_is_named(name):
    with pytest.raises(StageError, match="sub-09: .*cannot be scaled"):
        run(name, np.ones(500), np.full(500, 2))


def test_missing_white_matter_is_named():
    with pytest.raises(StageError, match="sub-09: .*3 voxels of white matter"):
        run("whitematter", VALUES, np.r_[2, 2, 2, np.ones(len(VALUES) - 3)])


@given(
    own=st.lists(st.floats(0, 100, width=16).map(lambda x: round(x, 3)), min_size=2, max_size=9),
    seed=st.integers(0, 1000),
)
@settings(max_examples=80, deadline=None)
def test_landmarks_fall_on_the_standard_scale(own, seed):
    """Exactly where they differ; on the mean of their places where they fall together."""
    random = np.random.default_rng(seed)
    own, standard = np.sort(own), np.sort(random.normal(size=len(own)))
    found = follow_landmarks(own, own, standard)
    for place in np.unique(own):
        targets = standard[own == place]
        if len(targets) == 1:
            assert found[own == place] == targets
        np.testing.assert_allclose(found[own == place], targets.mean(), atol=1e-12)
    between = follow_landmarks(np.sort(random.uniform(own[0] - 5, own[-1] + 5, 50)), own, standard)
    assert (np.diff(between) >= -1e-9 * np.ptp(between) - 1e-12).all()


def test_between_and_beyond_landmarks_the_map_is_straight():
    """One linear equation per piece, as Nyul and Udupa define it; the ends go on."""
    own, standard = np.array([10.0, 20, 40]), np.array([0.0, 0.7, 1])
    values = np.array([0.0, 15, 30, 50])
    expected = [0.07 * (0 - 10), 0.07 * 5, 0.7 + 0.015 * 10, 0.7 + 0.015 * 30]
    np.testing.assert_allclose(follow_landmarks(values, own, standard), expected)


def test_histogram_matching_agrees_with_itk():
    sitk = pytest.importorskip("SimpleITK")
    first, second = RANDOM.gamma(4, 50, (32, 32, 32)), RANDOM.normal(300, 60, (32, 32, 32))
    levels = np.linspace(0, 100, 257)
    mine = follow_landmarks(first, find_landmarks(first, levels), find_landmarks(second, levels))
    theirs = sitk.GetArrayFromImage(
        sitk.HistogramMatching(
            sitk.GetImageFromArray(first),
            sitk.GetImageFromArray(second),
            numberOfHistogramLevels=4096,
            numberOfMatchPoints=255,
            thresholdAtMeanIntensity=False,
        )
    )
    # ITK reads its quantiles off a histogram, so single values differ by about a bin.
    assert np.abs(mine - theirs).mean() < 0.003 * np.ptp(second)
    percents = np.arange(1, 100)
    np.testing.assert_allclose(*(np.percentile(a, percents) for a in (mine, second)), atol=0.5)


def write_case(folder, head):
    paths = [folder / f"sub-01_{name}.nii.gz" for name in ("image", "mask", "dseg")]
    for path, array in zip(
        paths, (head.images["T1w"].get_fdata(), head.brain, head.tissues * head.brain), strict=True
    ):
        write_image(path, make_image(array, head.affine))
    return paths


@pytest.mark.parametrize("name", ALL)
def test_case_is_stripped_and_inside_is_scaled(tmp_path, head, name):
    image, mask, dseg = write_case(tmp_path, head)
    outputs = [tmp_path / f"sub-01_{letter}.nii.gz" for letter in ("a", "b")]
    normalise_case([image, image], mask, dseg, outputs, read_intensity({"method": name}))
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    result = nibabel.load(outputs[0]).get_fdata()
    assert not result[~head.brain].any()
    values = head.images["T1w"].get_fdata()[head.brain]
    expected = run(name, values, head.tissues[head.brain])
    np.testing.assert_allclose(result[head.brain], expected, atol=1e-5)
    sidecar = json.loads((tmp_path / "sub-01_a.json").read_text())
    assert sidecar["SkullStripped"] is True
    assert sidecar["Parameters"]["method"] == name
    assert sidecar["FittedInTraining"] is (name in FITTED)


@pytest.mark.parametrize("name", ALL)
def test_what_lies_outside_the_mask_does_not_matter(tmp_path, head, name):
    image, mask, dseg = write_case(tmp_path, head)
    output = tmp_path / "sub-01_a.nii.gz"
    chosen = read_intensity({"method": name})
    normalise_case([image], mask, dseg, [output], chosen)
    before = output.read_bytes()
    array = np.where(head.brain, head.images["T1w"].get_fdata(), 9999)
    write_image(image, make_image(array, head.affine))
    normalise_case([image], mask, dseg, [output], chosen)
    assert output.read_bytes() == before
