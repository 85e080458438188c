"""Tissue inside lesions, from the tissue around them."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

ROUNDS = 50
MARGIN = 5


def fill(volumes: np.ndarray, mask: np.ndarray, lesions: np.ndarray) -> None:
    """Set `volumes` (class, x, y, z) inside `lesions` from the voxels of `mask` around them.

    Each lesion voxel starts as its nearest voxel of `mask`; then `ROUNDS` times the
    lesions become the mean of themselves and their six neighbours, which nears the
    harmonic interpolation of their surroundings.

    Parameters
    ----------
    volumes
        Maps that sum to 1 in `mask`; changed in place.
    mask, lesions
        Boolean (x, y, z), disjoint.
    """
    if not lesions.any():
        return
    x, y, z = places = np.array(np.nonzero(lesions))
    near = _nearest(mask, places)
    values = volumes[:, near[0], near[1], near[2]]
    known = (mask | lesions).astype(np.float32)
    around = [places, *_neighbours(places, mask.shape)]
    weights = np.stack([known[index[0], index[1], index[2]] for index in around])
    weights /= weights.sum(axis=0)
    for _ in range(ROUNDS):
        volumes[:, x, y, z] = values
        values = np.zeros_like(values)
        for weight, index in zip(weights, around, strict=True):
            values += weight * volumes[:, index[0], index[1], index[2]]
    volumes[:, x, y, z] = values


def _nearest(mask: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the indices (3, n) of the voxels of `mask` nearest to `places`, near their box."""
    low = np.maximum(places.min(axis=1) - MARGIN, 0)
    high = places.max(axis=1) + 1 + MARGIN
    if not mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]].any():
        low, high = np.zeros(3, int), np.array(mask.shape)
    outside = ~mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    found = ndimage.distance_transform_edt(outside, return_distances=False, return_indices=True)
    inner = places - low[:, None]
    return found[:, inner[0], inner[1], inner[2]] + low[:, None]


def _neighbours(places: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield the six neighbours of `places` (3, n), kept inside the grid."""
    for axis in range(3):
        for step in (-1, 1):
            moved = places.copy()
            moved[axis] = np.clip(places[axis] + step, 0, shape[axis] - 1)
            yield moved
