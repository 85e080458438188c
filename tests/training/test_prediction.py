from pathlib import Path

import nibabel
import numpy as np
import pytest
from store_maker import make_store

from mribench.dataset.geometry import Grid
from mribench.files import checksum
from mribench.training.prediction import predict_case, to_grid


def test_same_grid_is_a_plain_decision() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([1, 1, 1], (5, 6, 7)).astype(np.float32)
    grid = Grid((5, 6, 7), np.diag([2.0, 1, 3, 1]))
    result = to_grid(np.moveaxis(shares[..., 1:], -1, 0), grid, grid, [])
    assert result.dtype == np.uint8
    assert np.array_equal(result, shares.argmax(axis=-1))


def test_flipped_axes_are_followed() -> None:
    shares = np.zeros((1, 6, 5, 4), dtype=np.float32)
    shares[0, 1, 2, 3] = 0.9
    affine = np.diag([2.0, 2, 2, 1])
    flipped = np.array([[-2.0, 0, 0, 10], [0, 0, 2, 0], [0, 2, 0, 0], [0, 0, 0, 1]])
    result = to_grid(shares, Grid((6, 5, 4), affine), Grid((6, 4, 5), flipped), [])
    assert np.argwhere(result).tolist() == [[4, 3, 2]]


def test_probabilities_not_classes_are_interpolated() -> None:
    """A voxel between two of 0.8 and 0.4 has 0.6, so it is foreground."""
    shares = np.array([0.8, 0.4], dtype=np.float32).reshape(1, 2, 1, 1)
    fine = np.eye(4)
    fine[0, 0], fine[0, 3] = 0.5, 0.0
    result = to_grid(shares, Grid((2, 1, 1), np.eye(4)), Grid((3, 1, 1), fine), [])
    assert result.ravel().tolist() == [1, 1, 0]


def test_outside_the_field_of_view_is_background() -> None:
    shares = np.ones((1, 3, 3, 3), dtype=np.float32)
    result = to_grid(shares, Grid((3, 3, 3), np.eye(4)), Grid((9, 3, 3), np.eye(4)), [])
    assert result[:3].all()
    assert not result[4:].any()


@pytest.mark.parametrize("shape", [(30, 20, 16), (36, 42, 18)])
def test_prediction_stands_on_the_target_grid(tmp_path: Path, shape: tuple[int, ...]) -> None:
    store = make_store(tmp_path, 1)
    case, entry = store.open("sub-01"), store.entry("sub-01")
    affine = np.array([[-1.5, 0.2, 0, 60], [0.2, 1.5, 0, 5], [0, 0, 3.1, 2], [0, 0, 0, 1]])
    affine = affine.astype(np.float32).astype(float)
    entry = {**entry, "target": {"shape": list(shape), "affine": affine.tolist()}}
    output = tmp_path / "predictions" / "sub-01_dseg.nii.gz"
    made = predict_case(lambda c: np.asarray(c.labels)[None] * 1.0, case, entry, tmp_path, output)
    image = nibabel.load(output)
    assert image.shape == shape
    assert np.array_equal(image.affine, affine)
    assert image.get_data_dtype() == np.uint8
    assert made["path"] == "predictions/sub-01_dseg.nii.gz"
    assert made["checksum"] == checksum(output)
    assert np.asarray(image.dataobj).any()


@pytest.mark.parametrize("classes", [1, 2])
def test_probabilities_are_kept_beside_the_labels(tmp_path: Path, classes: int) -> None:
    store = make_store(tmp_path, 1)
    case, entry = store.open("sub-01"), store.entry("sub-01")
    output = tmp_path / "predictions" / "sub-01_dseg.nii.gz"
    shares = np.random.default_rng(0).random((classes, *case.grid.shape)) / classes
    made = predict_case(lambda _: shares, case, entry, tmp_path, output, keep_probabilities=True)
    kept = tmp_path / made["probabilities"]["path"]
    assert kept.name == "sub-01_probseg.nii.gz"
    assert made["probabilities"]["checksum"] == checksum(kept)
    image, labels = nibabel.load(kept), np.asarray(nibabel.load(output).dataobj)
    found = np.asarray(image.dataobj).reshape(*labels.shape, classes)
    assert image.get_data_dtype() == np.uint8
    assert 0 <= found.min() <= found.max() <= 1 + 1e-6
    # The label is the class with the largest share, up to the step of 1/255.
    best = np.concatenate((1 - found.sum(axis=-1, keepdims=True), found), axis=-1)
    chosen = np.take_along_axis(best, labels[..., None].astype(int), axis=-1)[..., 0]
    assert (chosen >= best.max(axis=-1) - 2 * classes / 255).all()
