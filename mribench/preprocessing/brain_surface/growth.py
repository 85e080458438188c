"""The brain inside a surface that grows from its middle until it meets dark fluid or bone.

The algorithm is BET: Smith, "Fast robust automated brain extraction", Human Brain Mapping 17,
2002. Where FSL's BET2 (Jenkinson, Pechaud & Smith, HBM 2005) differs from that paper, this
follows BET2: darkness is looked for over 7 mm and brightness over 3 mm, the fraction is
raised to the power 0.275, and a surface that folds grows again with smoother hollows.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from mribench.preprocessing.brain_surface.kernels import draw, edge_length, move
from mribench.preprocessing.brain_surface.sphere import Sphere, make_sphere

SPLITS = 4
STEPS = 1000
LENGTH_EVERY = 100
FRACTION_POWER = 0.275
ATTEMPTS = 11
FOLDED = 4000.0
BINS, PASSES, TAIL = 1000, 10, 50
HEAD_SHARE = 0.1


class Start(NamedTuple):
    """Where a surface starts, and by which values it is led.

    Attributes
    ----------
    centre, radius
        Of the head or the brain, in mm from the first voxel's centre.
    levels
        Darkest value, least value of the head, middle value of the brain (3,).
    """

    centre: np.ndarray
    radius: float
    levels: np.ndarray


def brain_within(
    array: np.ndarray,
    spacing: Sequence[float],
    fraction: float,
    brain: np.ndarray | None = None,
) -> np.ndarray:
    """Return the brain mask (x, y, z) inside a grown surface; empty where there is no head.

    Parameters
    ----------
    array
        A head (x, y, z) whose brain is brighter than what surrounds it.
    spacing
        Voxel size in mm.
    fraction
        BET's fractional threshold, 0 to 1: smaller gives a larger brain.
    brain
        A first mask of the brain (x, y, z): gives the start and the brain's middle value,
        which otherwise come from the head as in BET.
    """
    array = np.ascontiguousarray(array, dtype=np.float32)
    sizes = np.asarray(spacing, dtype=float)
    start = find_start(array, sizes, brain)
    if start is None:
        return np.zeros(array.shape, dtype=bool)
    sphere = _sphere()
    vertices = grow(array, sizes, start, sphere, fraction)
    return fill(array.shape, sizes, vertices, sphere.triangles)


@cache
def _sphere() -> Sphere:
    return make_sphere(SPLITS)


def find_start(array: np.ndarray, spacing: np.ndarray, brain: np.ndarray | None) -> Start | None:
    """Return where the surface starts; None where nothing is brighter than the darkest."""
    dark, bright = robust_range(array)
    least = dark + HEAD_SHARE * (bright - dark)
    head = array > least if brain is None else brain
    if not head.any():
        return None
    weights = np.where(head, np.minimum(array, bright) - dark, 0) if brain is None else head
    centre = np.array(ndimage.center_of_mass(weights)) * spacing
    radius = float((0.75 / np.pi * head.sum() * spacing.prod()) ** (1 / 3))
    inside = _ball(array.shape, spacing, centre, radius) if brain is None else brain
    values = array[inside & (array > dark) & (array < bright)]
    if not values.size:
        return None
    return Start(centre, radius, np.array([dark, least, np.median(values)]))


def _ball(
    shape: Sequence[int], spacing: np.ndarray, centre: np.ndarray, radius: float
) -> np.ndarray:
    axes = np.ogrid[tuple(slice(size) for size in shape)]
    parts = [(axis * s - c) ** 2 for axis, s, c in zip(axes, spacing, centre, strict=True)]
    return np.asarray(parts[0] + parts[1] + parts[2] < radius**2)


def robust_range(array: np.ndarray) -> tuple[float, float]:
    """Return the 2nd and 98th percentile, by a histogram that closes in on them.

    Where they span less than a tenth of the histogram's range, it is made again over little
    more than what lies between them, as FSL does.
    """
    low, high = float(array.min()), float(array.max())
    for _ in range(PASSES):
        counts, edges = np.histogram(np.clip(array, low, high), BINS, (low, high))
        tail = array.size // TAIL
        first = int(np.searchsorted(np.cumsum(counts), tail))
        last = BINS - 1 - int(np.searchsorted(np.cumsum(counts[::-1]), tail))
        found = float(edges[first]), float(edges[last + 1])
        if found[1] - found[0] >= (high - low) / 10:
            break
        low, high = float(edges[max(first - 1, 0)]), float(edges[min(last + 2, BINS)])
    return found


def grow(
    array: np.ndarray, spacing: np.ndarray, start: Start, sphere: Sphere, fraction: float
) -> np.ndarray:
    """Return the grown surface's vertices (vertices, 3) in mm, smoother if it would fold."""
    share = fraction**FRACTION_POWER
    first = start.centre + start.radius / 2 * sphere.vertices
    for attempt in range(ATTEMPTS):
        vertices = first.copy()
        for step in range(STEPS):
            if step % LENGTH_EVERY == 0 or step == LENGTH_EVERY // 2:
                length = edge_length(vertices, sphere.rings)
            hollows = _hollows(attempt, step)
            vertices = move(
                array, spacing, start.levels, share, vertices, sphere.rings, length, hollows
            )
        if folding(vertices, first, sphere.rings) <= FOLDED:
            break
    return vertices


def _hollows(attempt: int, step: int) -> float:
    """Return how much stronger hollows are smoothed; it fades in the last quarter."""
    if attempt == 0:
        return 1.0
    fading = min(1.0, 4 * (1 - step / STEPS))
    return float(1 + fading * (10.0 ** (attempt + 1) - 1))


def folding(vertices: np.ndarray, first: np.ndarray, rings: np.ndarray) -> float:
    """Return how much vertices that are near each other now were apart before, squared."""
    now, before = edge_length(vertices, rings), edge_length(first, rings)
    one, other = cKDTree(vertices).query_pairs(now, output_type="ndarray").T
    apart = np.linalg.norm(vertices[one] - vertices[other], axis=1) / now
    once = np.linalg.norm(first[one] - first[other], axis=1) / before
    return float(((apart - once) ** 2).sum())


def fill(
    shape: Sequence[int], spacing: np.ndarray, vertices: np.ndarray, triangles: np.ndarray
) -> np.ndarray:
    """Return the voxels (x, y, z) that a closed surface passes through or encloses."""
    low = np.minimum(np.floor(vertices.min(axis=0) / spacing).astype(int), 0) - 1
    high = np.maximum(np.ceil(vertices.max(axis=0) / spacing).astype(int), shape) + 2
    drawn = np.zeros(high - low, dtype=bool)
    draw(drawn, spacing, vertices - low * spacing, triangles)
    pieces, _ = ndimage.label(~drawn)
    inside = tuple(slice(-edge, size - edge) for edge, size in zip(low, shape, strict=True))
    return np.asarray(pieces != pieces[0, 0, 0])[inside]
