"""Metrics of the distance between the borders of two masks."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from mribench.metrics.conventions import Surface
from mribench.metrics.masks import voxels

STEPS = [step for step in product((-1, 0, 1), repeat=3) if any(step)]


class Distances(NamedTuple):
    """Distances in mm from each border voxel to the nearest one of the other mask."""

    from_reference: np.ndarray
    from_prediction: np.ndarray


def border(mask: np.ndarray, surface: Surface) -> np.ndarray:
    """Return the voxels of `mask` that have a neighbour outside it.

    That is the mask without its erosion. ``in_plane`` looks at the 8 neighbours in the
    plane of the first two voxel axes, which are the slices of a transversal acquisition
    as it is usually stored.

    Parameters
    ----------
    mask
        Boolean array (x, y, z).
    surface
        Which neighbours count, and what lies beyond the image.

    Returns
    -------
    Voxel coordinates (n, 3).
    """
    rim = np.pad(mask, 1, constant_values=surface.beyond_image == "inside")
    places = np.stack(voxels(mask))
    flat = rim.ravel(order="F")
    strides = np.array([1, rim.shape[0], rim.shape[0] * rim.shape[1]])
    indices = strides @ (places + 1)
    inner = np.ones(len(indices), bool)
    for step in neighbours(surface):
        inner &= flat[indices + strides @ step]
    return places[:, ~inner].T


def neighbours(surface: Surface) -> list[tuple[int, ...]]:
    """Return the steps from a voxel to the neighbours that count."""
    if surface.neighbourhood == "in_plane":
        return [step for step in STEPS if step[2] == 0]
    reach = {6: 1, 18: 2, 26: 3}[surface.neighbourhood]
    return [step for step in STEPS if sum(map(abs, step)) <= reach]


def border_distances(
    reference: np.ndarray, prediction: np.ndarray, spacing: Sequence[float], surface: Surface
) -> Distances:
    """Measure from each border voxel to the nearest border voxel of the other mask.

    Parameters
    ----------
    reference, prediction
        Boolean masks (x, y, z) of one shape, neither empty.
    spacing
        Voxel size in mm along the three axes.
    surface
        What a border is.

    Returns
    -------
    Distances in mm between voxel centres; no order is promised.
    """
    first, second = border(reference, surface), border(prediction, surface)
    return Distances(
        _directed(first, second, reference.shape, spacing),
        _directed(second, first, reference.shape, spacing),
    )


def _directed(
    origin: np.ndarray, target: np.ndarray, shape: tuple[int, ...], spacing: Sequence[float]
) -> np.ndarray:
    distances = np.zeros(len(origin))
    # Where two borders agree the distance is 0: only the rest needs the tree.
    first, second = (np.ravel_multi_index(tuple(at.T), shape) for at in (origin, target))
    apart = origin[~np.isin(first, second, assume_unique=True)] * np.asarray(spacing)
    if len(apart):
        tree = cKDTree(target * np.asarray(spacing), compact_nodes=False, balanced_tree=False)
        distances[: len(apart)] = tree.query(apart)[0]
    return distances


def hausdorff(distances: Distances, percentile: float, directions: str) -> float:
    """Return a percentile of the border distances in mm.

    Parameters
    ----------
    distances
        From :func:`border_distances`.
    percentile
        100 is the Hausdorff distance; between two values numpy's linear interpolation.
    directions
        ``larger`` of the two directed percentiles, or the percentile of both sets
        ``pooled``.
    """
    if directions == "pooled":
        return float(np.percentile(np.concatenate(distances), percentile))
    return max(float(np.percentile(part, percentile)) for part in distances)


def surface_distance(distances: Distances, directions: str) -> float:
    """Return the mean border distance in mm.

    ``pooled`` takes the mean over both borders' voxels together (the average symmetric
    surface distance), ``averaged`` the average of the two directed means.
    """
    if directions == "pooled":
        return float(np.concatenate(distances).mean())
    return float(np.mean([part.mean() for part in distances]))


def surface_dice(distances: Distances, tolerance_mm: float) -> float:
    """Return the share of both borders' voxels within `tolerance_mm` of the other border.

    Nikolov et al., Journal of Medical Internet Research 23:e26151 (2021), with border
    voxels in the place of surface areas.
    """
    return float((np.concatenate(distances) <= tolerance_mm).mean())
