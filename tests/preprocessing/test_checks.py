import numpy as np
import pytest

from mribench.dataset.geometry import Grid
from mribench.errors import StageError
from mribench.files import make_image
from mribench.preprocessing import checks
from mribench.preprocessing.transforms import rigid

FILE = "/out/sub-03_ses-1_desc-x_T1w.nii.gz"
GRID = Grid((20, 20, 20), np.diag([8.0, 8, 8, 1]))


def ramp(shape=(20, 20, 20)):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("array", "affine", "found"),
    [
        (np.full(GRID.shape, 2.0), GRID.affine, "the value 2.0 everywhere"),
        (np.where(ramp() == 5, np.inf, ramp()), GRID.affine, "NaN or infinite"),
        (ramp((20, 20, 21)), GRID.affine, "shape"),
        (ramp(), np.diag([8.0, 8, 8.1, 1]), "mm apart"),
    ],
)
def test_images_are_checked(array, affine, found):
    with pytest.raises(StageError, match=f"^sub-03_ses-1: {FILE}: found .*{found}"):
        checks.check_image(make_image(array, affine), GRID, FILE)


def test_a_good_image_passes():
    checks.check_image(make_image(ramp(), GRID.affine), GRID, FILE)


def brain(size):
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[2 : 2 + size, 2 : 2 + size, 2 : 2 + size] = True
    return mask


@pytest.mark.parametrize(
    ("mask", "found"),
    [
        (brain(0), "a brain mask of 0 ml"),
        (brain(10), "a brain mask of 512 ml"),
        (brain(17), "a brain mask of 2515 ml"),
        (brain(13) | (np.indices(GRID.shape).min(axis=0) > 17), "in 2 pieces"),
    ],
)
def test_brain_masks_are_checked(mask, found):
    with pytest.raises(StageError, match=f"{found}.*template"):
        checks.check_brain_mask(mask, GRID, FILE)


def test_a_brain_of_usual_size_passes():
    checks.check_brain_mask(brain(14), GRID, FILE)


@pytest.mark.parametrize(
    ("field", "found"),
    [(ramp() - 1, "not positive"), (np.exp(ramp() / 1000), "varies by a factor")],
)
def test_bias_fields_are_checked(field, found):
    with pytest.raises(StageError, match=found):
        checks.check_bias_field(field, np.ones(GRID.shape, dtype=bool), FILE)


IMAGE = make_image(ramp(), GRID.affine)


def scaled(*factors):
    return np.diag([*factors, 1.0])


@pytest.mark.parametrize(
    ("matrix", "is_rigid", "found"),
    [
        (np.full((4, 4), np.nan), False, "not finite"),
        (scaled(3.0, 1, 1), False, "scaling by 1.00 to 3.00"),
        (scaled(-1.0, 1, 1), False, "scaling"),
        (scaled(1.01, 1, 1), True, "scaling by 1.01"),
        (rigid(np.zeros(3), np.array([200.0, 0, 0]), np.zeros(3)), True, "side by side"),
    ],
)
def test_linear_registrations_are_checked(matrix, is_rigid, found):
    with pytest.raises(StageError, match=found):
        checks.check_linear(matrix, IMAGE, IMAGE, FILE, is_rigid=is_rigid)


def test_a_good_registration_passes():
    matrix = rigid(np.array([0.1, 0.2, -0.1]), np.array([5.0, 6, 7]), np.array([80.0, 80, 80]))
    checks.check_linear(matrix, IMAGE, IMAGE, FILE, is_rigid=True)
