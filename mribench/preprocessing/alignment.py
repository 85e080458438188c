"""A first rigid alignment from many starts, so that registration cannot begin in a wrong valley.

Coarse images (a few mm), normalised mutual information (Studholme et al. 1999), starts
from the scanner coordinates and from the centres of mass, each with rotations around
them, the best of which are refined. Deterministic, and takes about two seconds.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import nibabel
import numpy as np
from scipy import ndimage, optimize

from mribench.preprocessing.foreground import head_mask
from mribench.preprocessing.transforms import points_of, rigid

POINT_SPACING_MM = 7.0
SMOOTHING_MM = 3.0
BINS = 24
START_ANGLES = np.radians((-18.0, 0.0, 18.0))
REFINED = 3
LEAST_OVERLAP = 0.4


class Coarse(NamedTuple):
    """A smoothed image as 0 .. BINS - 1, its foreground centre in mm and its affine."""

    levels: np.ndarray
    centre: np.ndarray
    affine: np.ndarray
    mask: np.ndarray


def align(fixed: nibabel.Nifti1Image, moving: nibabel.Nifti1Image) -> np.ndarray:
    """Return the rigid map of points (4 x 4, RAS mm) from `fixed` to `moving`, roughly.

    Good to a few mm; the caller's registration refines it.
    """
    first, second = coarse(fixed), coarse(moving)
    points, values = sample_points(first)
    offset = second.centre - first.centre

    def cost(parameters: np.ndarray) -> float:
        matrix = rigid(parameters[:3], parameters[3:], first.centre)
        return -_similarity(points, values, second, matrix)

    starts = [
        np.array([*angles, *shift])
        for shift in (np.zeros(3), offset)
        for angles in product(START_ANGLES, repeat=3)
    ]
    best = sorted(starts, key=cost)[:REFINED]
    scale = np.array([0.05, 0.05, 0.05, 4.0, 4.0, 4.0])
    refined = [_refine(cost, start, scale) for start in best]
    parameters = min(refined, key=cost)
    return rigid(parameters[:3], parameters[3:], first.centre)


def _refine(
    cost: Callable[[np.ndarray], float], start: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    simplex = np.vstack([start, start + np.diag(scale)])
    options = {"initial_simplex": simplex, "maxfev": 300, "xatol": 0.01, "fatol": 1e-5}
    found = optimize.minimize(cost, start, method="Nelder-Mead", options=options)
    return np.asarray(found.x)


def coarse(image: nibabel.Nifti1Image, foreground: np.ndarray | None = None) -> Coarse:
    """Return an image smoothed to 3 mm and thinned out, in grey levels.

    `foreground` (x, y, z) is the head if not given.
    """
    array = np.asanyarray(image.dataobj).astype(np.float32)
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    mask = head_mask(image) if foreground is None else foreground
    top = np.percentile(array[mask], 99)
    smooth = ndimage.gaussian_filter(np.minimum(array, top), SMOOTHING_MM / spacing)
    step = np.maximum(1, np.round(SMOOTHING_MM / spacing)).astype(int)
    thin = tuple(slice(None, None, size) for size in step)
    affine = image.affine @ np.diag([*step, 1.0])
    levels = smooth[thin] * ((BINS - 1) / smooth.max())
    centre = points_of(image, mask).mean(axis=1)
    return Coarse(levels, centre, affine, mask[thin])


def sample_points(
    image: Coarse, spacing_mm: float = POINT_SPACING_MM
) -> tuple[np.ndarray, np.ndarray]:
    """Return points (3, n) about `spacing_mm` apart around the foreground, and the levels there."""
    around = ndimage.binary_dilation(image.mask, iterations=2)
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    step = np.maximum(1, np.round(spacing_mm / spacing)).astype(int)
    lattice = np.zeros_like(around)
    lattice[:: step[0], :: step[1], :: step[2]] = True
    index = np.array(np.nonzero(around & lattice))
    points = image.affine[:3, :3] @ index + image.affine[:3, 3:]
    return points, image.levels[tuple(index)]


def _similarity(
    points: np.ndarray, values: np.ndarray, moving: Coarse, matrix: np.ndarray
) -> float:
    """Return :func:`information` where `matrix` maps points of the fixed image."""
    to_index = np.linalg.inv(moving.affine) @ matrix
    return information(to_index[:3, :3] @ points + to_index[:3, 3:], values, moving)


def information(index: np.ndarray, values: np.ndarray, moving: Coarse) -> float:
    """Return the normalised mutual information of the overlap, 1 (none) to 2.

    Parameters
    ----------
    index
        Voxel coordinates (3, n) in `moving`.
    values
        Levels (n,) of the fixed image at the same places.
    moving
        The other image. Below two fifths of overlap the answer is 1.
    """
    ends = np.array(moving.levels.shape)[:, None] - 1
    inside = ((index >= 0) & (index <= ends)).all(axis=0)
    if inside.mean() < LEAST_OVERLAP:
        return 1.0
    found = ndimage.map_coordinates(moving.levels, index[:, inside], order=1, prefilter=False)
    joint = _joint_histogram(values[inside], found)
    return float((_entropy(joint.sum(0)) + _entropy(joint.sum(1))) / _entropy(joint))


def _joint_histogram(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Count pairs; the second value shares its weight between the two nearest bins."""
    row = np.round(first).astype(int)
    low = np.minimum(second.astype(int), BINS - 2)
    share = second - low
    cells = np.concatenate([row * BINS + low, row * BINS + low + 1])
    counts = np.bincount(cells, np.concatenate([1 - share, share]), BINS * BINS)
    return counts.reshape(BINS, BINS) / len(row)


def _entropy(shares: np.ndarray) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())
