"""Lesions as numbered connected components of a mask."""

from typing import Literal

import cc3d
import numpy as np

from mribench.metrics.conventions import Lesions
from mribench.metrics.masks import voxels
from mribench.metrics.surface import STEPS

NEAR = [step for step in STEPS if sum(map(abs, step)) <= 2]


def number_components(mask: np.ndarray, connectivity: Literal[6, 18, 26]) -> tuple[np.ndarray, int]:
    """Return the connected components of a mask, numbered from 1, and how many there are.

    cc3d 4.1.1 reserves too few labels for some arrays one voxel thick; a rim makes room.
    """
    padded, number = cc3d.connected_components(
        np.pad(mask, 1), connectivity=connectivity, return_N=True
    )
    return padded[1:-1, 1:-1, 1:-1], number


def merge_components(mask: np.ndarray, lesions: Lesions) -> tuple[np.ndarray, int]:
    """Number the components of a mask after its dilation.

    Returns
    -------
    Integer array of the mask's shape, set also where only the dilated mask is, and the number
    of components. What the dilation adds beyond the array joins components but is cut off.
    """
    dilated = dilate(mask, lesions.merge)
    labels, number = number_components(dilated, lesions.connectivity)
    inner = slice(lesions.merge, -lesions.merge)
    return labels[inner, inner, inner], number


def dilate(mask: np.ndarray, times: int) -> np.ndarray:
    """Return a mask dilated `times` by the 18 neighbours, `times` voxels larger at each end."""
    rim = np.asfortranarray(np.pad(mask, times + 1))
    flat = rim.reshape(-1, order="F")
    strides = np.array([1, rim.shape[0], rim.shape[0] * rim.shape[1]])
    front = np.flatnonzero(flat)
    for _ in range(times):
        added = []
        for step in NEAR:
            places = front + strides @ step
            places = places[~flat[places]]
            flat[places] = True
            added.append(places)
        front = np.concatenate(added)
    return rim[1:-1, 1:-1, 1:-1]


def is_counted(sizes: np.ndarray, lesions: Lesions, voxel_mm3: float) -> np.ndarray:
    """Say for each lesion, of a size in voxels, whether it is large enough to count."""
    volumes = sizes * voxel_mm3
    if lesions.at_minimum == "dropped":
        return volumes > lesions.minimum_mm3
    return volumes >= lesions.minimum_mm3


def label_lesions(
    mask: np.ndarray, lesions: Lesions, voxel_mm3: float
) -> tuple[np.ndarray, np.ndarray]:
    """Number the lesions of a mask.

    Parameters
    ----------
    mask
        Boolean array (x, y, z).
    lesions
        Connectivity and minimum size.
    voxel_mm3
        Volume of one voxel.

    Returns
    -------
    Integer array (x, y, z), 0 where no lesion is and 1..n in the n lesions, and their
    sizes in voxels, n long. Small lesions are left out where the convention removes them.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int64), np.zeros(0, np.int64)
    labels, number = number_components(mask, lesions.connectivity)
    sizes = np.bincount(labels[voxels(mask)], minlength=number + 1)
    if lesions.small == "ignored":
        return labels, sizes[1:]
    kept = is_counted(sizes, lesions, voxel_mm3)
    kept[0] = False
    if kept.sum() < number:
        labels = np.where(kept, np.cumsum(kept), 0).astype(labels.dtype)[labels]
    return labels, sizes[kept]


def label_territories(
    mask: np.ndarray, lesions: Lesions, voxel_mm3: float
) -> tuple[np.ndarray, np.ndarray]:
    """Number the lesions of the reference, merged and grown as the convention says.

    Returns
    -------
    As :func:`label_lesions`, but where lesions are merged the numbers reach as far as the
    dilation; the sizes count the voxels of the mask alone. Small merged lesions stay where
    the convention ignores them.
    """
    if not lesions.merge or not mask.any():
        return label_lesions(mask, lesions, voxel_mm3)
    labels, number = merge_components(mask, lesions)
    sizes = np.bincount(labels[voxels(mask)], minlength=number + 1)[1:]
    if lesions.small == "ignored":
        return labels, sizes
    kept = np.concatenate(([False], is_counted(sizes, lesions, voxel_mm3)))
    return np.where(kept, np.cumsum(kept), 0)[labels], sizes[kept[1:]]
