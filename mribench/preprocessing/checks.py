"""What every stage checks about its outputs; a failure names subject, file and remedy."""

import nibabel
import numpy as np
from scipy import ndimage

from mribench.dataset.geometry import Grid, difference
from mribench.errors import StageError, describe
from mribench.preprocessing.transforms import case_name

BRAIN_ML = (700.0, 2200.0)
SAME_GRID_MM = 1e-3
FULLY_CONNECTED = np.ones((3, 3, 3))
SCALE = (0.5, 2.0)
RIGID_TOLERANCE = 1e-4


def fail(file: object, found: str, expected: str, remedy: str) -> StageError:
    """Return the error of a stage whose output `file` is not what it should be."""
    subject = case_name(str(file))
    return StageError(
        describe(subject=subject, file=file, found=found, expected=expected, remedy=remedy)
    )


def check_image(image: nibabel.Nifti1Image, grid: Grid, file: object) -> None:
    """Raise where an image is not finite, is constant, or stands on another grid.

    Raises
    ------
    StageError
        Names `file`, the path that the image is to be written to.
    """
    array = np.asanyarray(image.dataobj)
    wrong = difference(Grid.of(image), grid, SAME_GRID_MM)
    if wrong is not None:
        raise fail(file, wrong, "the grid of its input", "report this as an error of mribench")
    if not np.isfinite(array).all():
        raise fail(file, "NaN or infinite values", "finite values", "look at the input image")
    if array.min() == array.max():
        raise fail(file, f"the value {array.min()} everywhere", "an image", "look at the input")


def check_brain_mask(
    mask: np.ndarray, grid: Grid, file: object, range_ml: tuple[float, float] = BRAIN_ML
) -> None:
    """Raise where a brain mask is empty, in pieces, or of a volume no adult brain has.

    Parameters
    ----------
    mask
        Booleans (x, y, z) on `grid`.
    grid
        The grid of the stripped image.
    file
        The path that the mask is to be written to.
    range_ml
        Smallest and largest plausible volume inside the skull in ml: adults, with
        some room (Buckner et al. 2004 measured 1,100 to 1,900 ml).

    Raises
    ------
    StageError
        Names `file`, what was found and which other back end to try.
    """
    volume = float(mask.sum()) * grid.voxel_ml
    remedy = "look at the image, or choose another strip backend (mesh, template, none)"
    expected = f"one brain of {range_ml[0]:g} to {range_ml[1]:g} ml"
    if not range_ml[0] <= volume <= range_ml[1]:
        raise fail(file, f"a brain mask of {volume:.0f} ml", expected, remedy)
    pieces = ndimage.label(mask, structure=FULLY_CONNECTED)[1]
    if pieces != 1:
        raise fail(file, f"a brain mask in {pieces} pieces", expected, remedy)


def check_bias_field(field: np.ndarray, mask: np.ndarray, file: object) -> None:
    """Raise where a bias field inside `mask` is not positive, or stronger than scanners make it.

    Raises
    ------
    StageError
        If the field is not finite and positive, or its 1st and 99th percentile differ
        by a factor of more than 20.
    """
    inside = field[mask]
    remedy = "look at the image, or set bias.backend: none"
    if not np.isfinite(inside).all() or inside.min() <= 0:
        raise fail(file, "a bias field that is not positive", "a positive field", remedy)
    low, high = np.percentile(inside, (1, 99))
    if high > 20 * low:
        found = f"a bias field that varies by a factor of {high / low:.0f}"
        raise fail(file, found, "a factor below 20", remedy)


def check_linear(
    matrix: np.ndarray,
    fixed: nibabel.Nifti1Image,
    moving: nibabel.Nifti1Image,
    file: object,
    *,
    is_rigid: bool,
) -> None:
    """Raise where a linear registration (4 x 4, points of `fixed` to `moving`) went astray.

    Raises
    ------
    StageError
        If it is not finite, scales by less than half or more than twice, does not keep
        distances although it is rigid, or puts the centre of `fixed` outside `moving`.
    """
    remedy = "look at both images; with the scanner coordinates right, transform: none helps"
    linear = matrix[:3, :3]
    if not np.isfinite(matrix).all():
        raise fail(file, "a transform that is not finite", "a finite one", remedy)
    scales = np.linalg.svd(linear, compute_uv=False)
    if scales.min() < SCALE[0] or scales.max() > SCALE[1] or np.linalg.det(linear) < 0:
        found = f"scaling by {scales.min():.2f} to {scales.max():.2f}"
        raise fail(file, found, f"{SCALE[0]} to {SCALE[1]}", remedy)
    if is_rigid and np.abs(scales - 1).max() > RIGID_TOLERANCE:
        raise fail(file, f"scaling by {scales.max():.5f}", "a rigid transform", remedy)
    centre = fixed.affine @ [*(np.array(fixed.shape) / 2), 1]
    index = np.linalg.inv(moving.affine) @ matrix @ centre
    if (index[:3] < 0).any() or (index[:3] > np.array(moving.shape)).any():
        raise fail(file, "images that end up side by side", "images that overlap", remedy)
