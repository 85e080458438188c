import hypothesis.strategies as st
import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from nibabel.processing import resample_from_to
from preprocessing_helpers import ORIENTATIONS
from scipy import ndimage

from mribench.dataset.geometry import Grid
from mribench.preprocessing import transforms as tf
from mribench.preprocessing.ants_images import to_ants
from mribench.preprocessing.warp import resample

RANDOM = np.random.default_rng(0)
KINDS = {"linear": "linear", "bspline": "bSpline", "nearest": "nearestNeighbor"}
ALL_KINDS = [*sorted(KINDS), "generic"]


def oblique(spacing, angles, origin):
    affine = tf.rigid(np.array(angles), np.zeros(3), np.zeros(3))
    affine[:3, :3] *= spacing
    affine[:3, 3] = origin
    return affine


GRID = Grid((20, 25, 15), oblique((2, 2, 3), (0.1, -0.2, 0.05), (-20, -25, -22)))
TARGET = Grid((30, 22, 16), oblique((1.5, 2.5, 2.5), (-0.1, 0.1, 0.15), (-21, -26, -20)))
IMAGE = ndimage.gaussian_filter(RANDOM.normal(size=GRID.shape), 1.2).astype(np.float32)


@pytest.fixture(scope="module")
def chain_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    tf.write_affine(
        folder / "rigid.txt", tf.rigid(np.array([0.1, 0.05, -0.1]), np.array([2, -3, 1]), [0] * 3)
    )
    skewed = np.eye(4)
    skewed[:3, :3] += RANDOM.normal(0, 0.05, (3, 3))
    tf.write_affine(folder / "affine.txt", skewed)
    vectors = [ndimage.gaussian_filter(RANDOM.normal(size=(40, 40, 40)), 4) for _ in range(3)]
    field = tf.Field(np.stack(vectors, -1) * 60, oblique((3, 3, 3), (0, 0, 0), (-60, -60, -60)))
    tf.write_field(folder / "field.nii.gz", field)
    return folder


@pytest.mark.parametrize("interpolation", KINDS)
@pytest.mark.parametrize(
    "names",
    [
        ["rigid.txt"],
        ["rigid.txt", "affine.txt"],
        ["affine.txt", "rigid.txt"],
        ["field.nii.gz", "rigid.txt"],
        ["affine.txt", "field.nii.gz", "rigid.txt"],
    ],
)
def test_agrees_with_ants_apply_transforms(chain_files, names, interpolation):
    ants = pytest.importorskip("ants")
    paths = [chain_files / name for name in names]
    mine = resample(IMAGE, GRID, TARGET, paths, interpolation)
    theirs = ants.apply_transforms(
        to_ants(np.zeros(TARGET.shape), TARGET.affine),
        to_ants(IMAGE, GRID.affine),
        [str(path) for path in paths],
        interpolator=KINDS[interpolation],
        whichtoinvert=[False] * len(paths),
    ).numpy()
    theirs = np.clip(theirs, min(IMAGE.min(), 0), max(IMAGE.max(), 0))
    # Rounding decides for single voxels on the very edge of the field of view.
    assert (np.abs(mine - theirs) > 1e-4).mean() < 1e-3


def test_agrees_with_nibabel_on_a_change_of_grid():
    inner = Grid((8, 9, 6), oblique((2.2, 1.7, 2.9), (-0.1, 0.1, 0.1), (-8, -8, -8)))
    image = nibabel.Nifti1Image(IMAGE.astype(float), GRID.affine)
    theirs = resample_from_to(image, (inner.shape, inner.affine), order=1).get_fdata()
    assert np.count_nonzero(theirs) == theirs.size
    np.testing.assert_allclose(resample(IMAGE, GRID, inner), theirs, atol=1e-5)


@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    interpolation=st.sampled_from(ALL_KINDS),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_identity_is_exact(shape, interpolation, seed):
    array = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    grid = Grid(shape, GRID.affine)
    np.testing.assert_array_equal(resample(array, grid, grid, (), interpolation), array)


@given(
    first=st.tuples(*[st.integers(-8, 8)] * 3),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    interpolation=st.sampled_from(ALL_KINDS),
)
@settings(max_examples=60, deadline=None)
def test_cropping_and_padding_copy_voxels(first, shape, interpolation):
    array = RANDOM.integers(1, 99, (6, 5, 4)).astype(np.float32)
    affine = GRID.affine.copy()
    affine[:3, 3] = (GRID.affine @ [*first, 1])[:3]
    found = resample(array, Grid(array.shape, GRID.affine), Grid(shape, affine), (), interpolation)
    padded = np.pad(array, 20)
    expected = padded[tuple(slice(20 + f, 20 + f + n) for f, n in zip(first, shape, strict=True))]
    np.testing.assert_array_equal(found, expected)


LABELS = np.stack([ndimage.gaussian_filter(RANDOM.normal(size=GRID.shape), 1.5) for _ in range(4)])
LABELS = np.array([0, 1, 7, 255], dtype=np.uint8)[LABELS.argmax(axis=0)]


def test_generic_labels_take_the_largest_linear_weight(chain_files):
    """Each label as an image of its own, interpolated linearly; the largest one wins."""
    path = [chain_files / "affine.txt"]
    found = resample(LABELS, GRID, TARGET, path, "generic")
    values = np.unique(LABELS)
    weights = [resample((v == LABELS).astype(np.float32), GRID, TARGET, path) for v in values]
    assert found.dtype == np.uint8
    best = np.max(weights, axis=0)
    chosen = np.choose(np.searchsorted(values, found), weights)
    assert (chosen >= best - 1e-5).all()
    assert not found[best == 0].any()


def test_generic_labels_agree_with_ants(chain_files):
    ants = pytest.importorskip("ants")
    path = chain_files / "affine.txt"
    mine = resample(LABELS, GRID, TARGET, [path], "generic")
    theirs = ants.apply_transforms(
        to_ants(np.zeros(TARGET.shape), TARGET.affine),
        to_ants(LABELS.astype(np.float32), GRID.affine),
        [str(path)],
        interpolator="genericLabel",
        whichtoinvert=[False],
    ).numpy()
    # ANTs and we decide differently only in ties and on the edge of the field of view.
    assert (mine != theirs).mean() < 5e-3
    nearest = resample(LABELS, GRID, TARGET, [path], "nearest")
    assert (mine != theirs).mean() < 0.2 * (nearest != theirs).mean()


def test_undone_transforms_are_the_identity(chain_files):
    there_and_back = [chain_files / "rigid.txt", (chain_files / "rigid.txt", True)]
    result = resample(IMAGE, GRID, GRID, there_and_back, "bspline")
    np.testing.assert_array_equal(result, IMAGE)


@given(code=st.sampled_from(ORIENTATIONS), seed=st.integers(0, 99))
@settings(max_examples=48, deadline=None)
def test_labels_survive_any_flip_and_permutation_exactly(code, seed):
    labels = np.random.default_rng(seed).integers(0, 5, (5, 6, 7)).astype(np.uint8)
    image = nibabel.Nifti1Image(labels, oblique((1, 2, 3), (0.1, 0.2, 0.1), (3, 4, 5)))
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt(code)
    )
    turned = image.as_reoriented(turn)
    array = np.asarray(turned.dataobj)
    result = resample(array, Grid.of(turned), Grid.of(image), (), "nearest")
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, labels)


@given(angles=st.tuples(*[st.floats(-0.15, 0.15)] * 3), shift=st.tuples(*[st.floats(-3, 3)] * 3))
@settings(max_examples=15, deadline=None)
def test_there_and_back_keeps_a_smooth_image(tmp_path_factory, angles, shift):
    path = tmp_path_factory.mktemp("round") / "a.txt"
    tf.write_affine(path, tf.rigid(np.array(angles), np.array(shift), np.zeros(3)))
    distance = np.sqrt(((np.indices((24, 24, 24)) - 11.5) ** 2).sum(axis=0))
    image = np.exp(-((distance / 4) ** 2)).astype(np.float32)
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = -23
    grid = Grid(image.shape, affine)
    there = resample(image, grid, grid, [path], "bspline")
    back = resample(there, grid, grid, [(path, True)], "bspline")
    assert np.abs(back - image).max() < 0.05


def test_overshoot_is_clipped_and_outside_is_zero():
    box = np.zeros((12, 12, 12), dtype=np.float32)
    box[4:8, 4:8, 4:8] = 1000
    grid = Grid(box.shape, np.eye(4))
    fine = np.diag([0.37, 0.37, 0.37, 1])
    fine[:3, 3] = -3
    target = Grid((48, 48, 48), fine)
    result = resample(box, grid, target, (), "bspline")
    assert result.min() == 0
    assert result.max() == 1000
    assert not resample(box + 1, grid, target)[:6].any()


def test_a_voxel_reaches_half_a_voxel_around_its_centre():
    grid = Grid((2, 1, 1), np.eye(4))
    half = np.diag([0.5, 1, 1, 1])
    half[0, 3] = -0.75
    result = resample(np.array([[[2]], [[5]]]), grid, Grid((6, 1, 1), half), (), "nearest")
    assert result.ravel().tolist() == [0, 2, 2, 5, 5, 0]


def test_slabs_do_not_show(monkeypatch, chain_files):
    whole = resample(IMAGE, GRID, TARGET, [chain_files / "rigid.txt"], "bspline")
    monkeypatch.setattr("mribench.preprocessing.warp.SLAB_VOXELS", 500)
    pieces = resample(IMAGE, GRID, TARGET, [chain_files / "rigid.txt"], "bspline")
    np.testing.assert_array_equal(whole, pieces)
