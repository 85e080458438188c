"""The tissue segmentation as a whole, on small images with exact truth."""

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from mribench.config import Tissues
from mribench.errors import StageError
from mribench.preprocessing.backends.segment_tissues_hmrf import segment_tissues
from mribench.preprocessing.hmrf.lattice import Workers
from mribench.preprocessing.hmrf.mixture import Classes
from mribench.preprocessing.hmrf.partial_volume import mixel_tables
from mribench.preprocessing.hmrf.segmentation import Options, segment
from mribench.preprocessing.tissue_order import DARK_TO_BRIGHT, TISSUES

SHAPE = (44, 48, 40)
SIGNALS = (100.0, 220.0, 300.0)
NO_BIAS = Options(bias=False)


def folded_ball(scale=1):
    """Return labels: 0 around, 1 fluid, 2 grey, 3 white; shells with a wavy border."""
    generator = np.random.default_rng(0)
    shape = tuple(scale * n for n in SHAPE)
    places = np.stack(np.meshgrid(*[np.arange(n) - n / 2 for n in shape], indexing="ij"))
    waves = ndimage.gaussian_filter(generator.standard_normal(shape), 2.5 * scale)
    radius = np.linalg.norm(places, axis=0) / scale + 2 * waves / waves.std()
    labels = np.select([radius < 10, radius < 15, radius < 18.5], [3, 2, 1], 0)
    return np.where(np.linalg.norm(places, axis=0) < 4 * scale, 1, labels)


LABELS = folded_ball()
MASK = LABELS > 0


def image_of(labels, signals=SIGNALS, noise=6.0, seed=1):
    generator = np.random.default_rng(seed)
    clean = np.choose(labels, [0.0, *signals])
    return np.abs(clean + noise * generator.standard_normal(labels.shape)).astype(np.float32)


def dice(first, second, label):
    return (
        2
        * np.sum((first == label) & (second == label))
        / (np.sum(first == label) + np.sum(second == label))
    )


def labels_of(found, mask=MASK):
    return np.where(mask, 1 + found.probabilities().argmax(axis=0), 0)


def assert_close_to_truth(labels, least=0.97, truth=LABELS):
    assert [dice(labels, truth, label) > least for label in (1, 2, 3)] == [True] * 3


@pytest.fixture(scope="module")
def image():
    return image_of(LABELS)


def test_finds_the_classes(image):
    found = segment([image], MASK, (1, 1, 1), NO_BIAS, 2)
    assert_close_to_truth(labels_of(found))
    for maps in (found.probabilities(), found.partial_volumes()):
        assert maps.shape == (3, *SHAPE)
        assert maps.dtype == np.float32
        assert np.allclose(maps.sum(axis=0), MASK, atol=1e-5)
        assert maps.min() >= -1e-6
    assert np.all(found.bias_field() == 1)


def test_bytes_do_not_depend_on_threads(image):
    found = [segment([image], MASK, (1, 1, 1), Options(), threads) for threads in (1, 2, 3, 2)]
    for maps in ("probabilities", "partial_volumes", "bias_field"):
        assert len({getattr(one, maps)().tobytes() for one in found}) == 1


def test_unit_of_the_image_does_not_matter(image):
    first = labels_of(segment([image], MASK, (1, 1, 1), NO_BIAS, 1))
    second = labels_of(segment([image / 1000], MASK, (1, 1, 1), NO_BIAS, 1))
    assert np.mean(first != second) < 1e-4


def test_crop_does_not_matter(image):
    full = segment([image], MASK, (1, 1, 1), NO_BIAS, 1).probabilities()
    box = tuple(slice(axis.min(), axis.max() + 1) for axis in np.nonzero(MASK))
    tight = segment([image[box]], MASK[box], (1, 1, 1), NO_BIAS, 1).probabilities()
    assert np.array_equal(full[(slice(None), *box)], tight)


def test_neighbours_help_against_noise():
    noisy = image_of(LABELS, noise=30.0)
    alone = labels_of(segment([noisy], MASK, (1, 1, 1), Options(mrf=0, bias=False), 1))
    together = labels_of(segment([noisy], MASK, (1, 1, 1), NO_BIAS, 1))
    assert np.mean(together != LABELS) < 0.7 * np.mean(alone != LABELS)


def test_bias_field_is_found():
    labels = folded_ball(scale=2)
    mask = labels > 0
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) for n in labels.shape], indexing="ij")
    true = np.exp(0.3 * x - 0.2 * y * z + 0.15 * z)
    biased = (image_of(labels) * true).astype(np.float32)
    found = segment([biased], mask, (1, 1, 1), Options(), 2)
    without = segment([biased], mask, (1, 1, 1), NO_BIAS, 2)
    assert np.mean(labels_of(without, mask) != labels) > 0.02
    assert_close_to_truth(labels_of(found, mask), 0.99, labels)
    assert np.log(found.bias_field()[0] / true)[mask].std() < 0.3 * np.log(true)[mask].std()


def voxels_of_two(labels):
    """Return the share of each tissue (3, x, y, z) in voxels twice as long as those of `labels`."""
    x, y, z = (n // 2 for n in labels.shape)
    parts = labels.reshape(x, 2, y, 2, z, 2)
    return np.stack([np.mean(parts == k, axis=(1, 3, 5)) for k in (1, 2, 3)])


def test_field_does_not_follow_the_anatomy():
    """Without bias, mixed voxels must not be taken for one: grey is darker where fluid is near."""
    shares = voxels_of_two(folded_ball(scale=2))
    mask = shares.sum(axis=0) == 1
    clean = np.tensordot(SIGNALS, shares, axes=1)
    noisy = clean + 0.09 * SIGNALS[2] * np.random.default_rng(0).standard_normal(SHAPE)
    found = segment([noisy.astype(np.float32)], mask, (2, 2, 2), Options(), 1)
    assert np.log(found.bias_field()[0])[mask].std() < 0.015
    labels = np.where(mask, 1 + found.partial_volumes().argmax(axis=0), 0)
    assert dice(labels, np.where(mask, 1 + shares.argmax(axis=0), 0), 3) > 0.9


def test_bright_outliers_do_not_matter(image):
    spoilt = image.copy()
    spoilt[tuple(np.argwhere(LABELS == 1)[::60].T)] = 5000.0
    assert_close_to_truth(labels_of(segment([spoilt], MASK, (1, 1, 1), NO_BIAS, 1)), 0.95)


def test_black_and_negative_voxels_are_dark(image):
    spoilt = image.copy()
    holes = tuple(np.argwhere(LABELS == 1)[::50].T)
    spoilt[holes] = -3.0
    labels = labels_of(segment([spoilt], MASK, (1, 1, 1), NO_BIAS, 1))
    assert_close_to_truth(labels, 0.95)
    assert np.all(labels[holes] == 1)


def test_a_second_contrast_helps():
    first = image_of(LABELS, signals=(100, 210, 215), noise=12)
    second = image_of(LABELS, signals=(300, 205, 120), noise=12, seed=2)
    alone = labels_of(segment([first], MASK, (1, 1, 1), NO_BIAS, 2))
    both = segment([first, second], MASK, (1, 1, 1), NO_BIAS, 2)
    assert np.mean(labels_of(both) != LABELS) < 0.5 * np.mean(alone != LABELS)
    assert np.allclose(both.partial_volumes().sum(axis=0), MASK, atol=1e-5)


def test_lesions_take_no_part_and_are_filled(image):
    places = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    lesions = np.linalg.norm(places - [22, 31, 20], axis=-1) < 2.5
    sick = np.where(lesions, 150.0, image).astype(np.float32)
    handled = segment([sick], MASK, (1, 1, 1), NO_BIAS, 1, lesions)
    assert np.mean(labels_of(handled)[lesions] == 3) > 0.9
    assert np.mean(labels_of(segment([sick], MASK, (1, 1, 1), NO_BIAS, 1))[lesions] == 3) < 0.1
    healthy = MASK & ~lesions
    changed = np.where(lesions, 1e4, sick).astype(np.float32)
    again = segment([changed], MASK, (1, 1, 1), NO_BIAS, 1, lesions)
    for maps in ("probabilities", "partial_volumes"):
        first, second = getattr(handled, maps)(), getattr(again, maps)()
        assert np.array_equal(first, second)
        assert np.allclose(first.sum(axis=0), MASK, atol=1e-5)
    assert_close_to_truth(labels_of(handled) * healthy, truth=LABELS * healthy)


def test_partial_volumes_follow_the_mixture():
    shares = voxels_of_two(folded_ball(scale=2))
    mask = shares.sum(axis=0) == 1
    clean = np.tensordot(SIGNALS, shares, axes=1)
    noisy = clean + 4 * np.random.default_rng(0).standard_normal(SHAPE)
    found = segment([noisy.astype(np.float32)], mask, (1, 1, 1), NO_BIAS, 1)
    hard = found.probabilities() > 0.5
    shared = np.abs(found.partial_volumes() - shares)[:, mask].mean()
    assert shared < 0.06
    assert shared < 0.6 * np.abs(hard - shares)[:, mask].mean()


def test_mixing_does_not_lessen_the_noise():
    """Between two classes of the same variance a mixture has that variance too."""
    points, means, variance = np.linspace(0.2, 0.8, 7)[:, None], np.array([[0.3], [0.7]]), 0.01
    classes = Classes(means, np.full((2, 1, 1), variance))
    with Workers(1) as workers:
        likelihoods, shares = mixel_tables(points, classes, workers)
    mixed = means[0] + (means[1] - means[0]) * np.linspace(0, 1, 101)
    densities = np.exp(-((points - mixed) ** 2) / (2 * variance)) / np.sqrt(variance)
    assert np.allclose(likelihoods[:, 2], np.log(densities.mean(axis=1)), atol=1e-4)
    assert np.allclose(shares[:, 0], np.clip((points[:, 0] - 0.3) / 0.4, 0, 1), atol=0.01)


@pytest.mark.parametrize("contrast", ["T1w", "T2w", "PDw", "FLAIR", "ce-gadolinium_T1w"])
def test_order_of_bids_in_every_contrast(contrast):
    names = DARK_TO_BRIGHT[contrast.rpartition("_")[2]]
    signals = [SIGNALS[names.index(tissue)] for tissue in ("CSF", "GM", "WM")]
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    scan = nibabel.Nifti1Image(image_of(LABELS, signals), affine)
    found = segment_tissues(scan, MASK, contrast, Tissues(backend="hmrf", bias_loop=False), 2)
    assert TISSUES == ("GM", "WM", "CSF")
    labels = np.where(MASK, 1 + found.argmax(axis=0), 0)
    assert_close_to_truth(labels, truth=np.choose(LABELS, [0, 3, 1, 2]))


def test_spacing_comes_from_the_affine(image):
    """On a rotated grid with long voxels the weights of the neighbours are those in mm."""
    turned = np.array([[0, 0, 3.0, 5], [0.7, 0, 0, 0], [0, 0.7, 0, -9], [0, 0, 0, 1]])
    settings = Tissues(backend="hmrf", bias_loop=False)
    found = segment_tissues(nibabel.Nifti1Image(image, turned), MASK, "T1w", settings, 1)
    expected = segment([image], MASK, (0.7, 0.7, 3.0), NO_BIAS, 1).partial_volumes()
    assert np.array_equal(found, expected[[1, 2, 0]])


@pytest.mark.parametrize(
    ("image", "mask", "says"),
    [
        (image_of(LABELS), np.zeros_like(MASK), "mask of the tissue segmentation is empty"),
        (np.full(SHAPE, 7, np.float32), MASK, "from 7.0 to 7.0"),
        (np.where(LABELS == 2, np.nan, 1).astype(np.float32), MASK, "nan"),
    ],
)
def test_unusable_input(image, mask, says):
    with pytest.raises(StageError, match=says):
        segment([image], mask, (1, 1, 1), NO_BIAS, 1)
