"""Compiled inner loops of a growing brain surface.

Positions are in mm from the centre of the first voxel, along the axes of the array. `levels`
holds the darkest value of the head, the least that counts as head, and the brain's middle.
"""

import numpy as np
from numba import njit

NEAREST_MM, BRIGHT_MM, DARK_MM = 1.0, 3.0, 7.0
SMALLEST_RADIUS_MM, LARGEST_RADIUS_MM = 3.33, 10.0
CURVATURE = (1 / SMALLEST_RADIUS_MM + 1 / LARGEST_RADIUS_MM) / 2
STEEPNESS = 6 / (1 / SMALLEST_RADIUS_MM - 1 / LARGEST_RADIUS_MM)
ALONG, RATE = 0.5, 0.05
Array = np.ndarray
compiled = njit(nogil=True, cache=True, error_model="numpy")


@compiled
def edge_length(vertices: Array, rings: Array) -> float:
    """Return the mean over the vertices of the mean distance to their neighbours."""
    total = 0.0
    for i in range(len(rings)):
        ring = rings[i][rings[i] >= 0]
        for j in ring:
            total += np.sqrt(np.sum((vertices[j] - vertices[i]) ** 2)) / len(ring)
    return total / len(rings)


@compiled
def shape_at(vertices: Array, ring: Array, i: int) -> tuple[Array, Array]:
    """Return the outward unit normal of vertex `i`, and the way to its neighbours' mean."""
    normal, mean = np.zeros(3), np.zeros(3)
    count = 0
    while count < len(ring) and ring[count] >= 0:
        count += 1
    for k in range(count):
        first, second = ring[k], ring[(k + 1) % count]
        for a in range(3):
            b, c = (a + 1) % 3, (a + 2) % 3
            left = (vertices[first, b] - vertices[i, b]) * (vertices[second, c] - vertices[i, c])
            right = (vertices[first, c] - vertices[i, c]) * (vertices[second, b] - vertices[i, b])
            normal[a] += left - right
            mean[a] += (vertices[first, a] - vertices[i, a]) / count
    return normal / np.sqrt(np.sum(normal**2)), mean


@compiled
def value_below(array: Array, spacing: Array, vertex: Array, normal: Array, depth: float) -> float:
    """Return the voxel `depth` mm inside of a vertex, or NaN outside the field of view."""
    x = int(np.floor((vertex[0] - depth * normal[0]) / spacing[0] + 0.5))
    y = int(np.floor((vertex[1] - depth * normal[1]) / spacing[1] + 0.5))
    z = int(np.floor((vertex[2] - depth * normal[2]) / spacing[2] + 0.5))
    nx, ny, nz = array.shape
    if 0 <= x < nx and 0 <= y < ny and 0 <= z < nz:
        return float(array[x, y, z])
    return np.nan


@compiled
def push(
    array: Array, spacing: Array, levels: Array, share: float, vertex: Array, normal: Array
) -> float:
    """Return by how much the values inside push a vertex outwards (below 0: inwards)."""
    dark, least, middle = levels
    deepest = value_below(array, spacing, vertex, normal, DARK_MM)
    if np.isnan(deepest) or np.isnan(value_below(array, spacing, vertex, normal, NEAREST_MM)):
        return 0.0
    lowest, highest = min(middle, deepest), least
    step = min(1.0, spacing.min())
    depth = NEAREST_MM
    while depth < DARK_MM:
        value = value_below(array, spacing, vertex, normal, depth)
        lowest = min(lowest, value)
        if depth < BRIGHT_MM:
            highest = max(highest, value)
        depth += step
    lowest, highest = max(dark, lowest), min(middle, highest)
    edge = dark + share * (highest - dark)
    return float(2 * (lowest - edge) / (highest - dark))


@compiled
def move(
    array: Array,
    spacing: Array,
    levels: Array,
    share: float,
    vertices: Array,
    rings: Array,
    length: float,
    hollows: float,
) -> Array:
    """Return the vertices after one step; `hollows` strengthens smoothing where it is concave."""
    moved = np.empty_like(vertices)
    for i in range(len(vertices)):
        normal, mean = shape_at(vertices, rings[i], i)
        across = np.sum(mean * normal)
        curvature = 2 * abs(across) / length**2
        smoothing = (1 + np.tanh(STEEPNESS * (curvature - CURVATURE))) / 2
        if across > 0:
            smoothing = min(1.0, hollows * smoothing)
        outwards = RATE * length * push(array, spacing, levels, share, vertices[i], normal)
        outwards += smoothing * across
        moved[i] = vertices[i] + ALONG * (mean - across * normal) + outwards * normal
    return moved


@compiled
def draw(mask: Array, spacing: Array, vertices: Array, triangles: Array) -> None:
    """Set the voxels of `mask` (x, y, z) that the triangles pass through."""
    step = spacing.min() / 2
    for corners in triangles:
        first = vertices[corners[0]]
        second, third = vertices[corners[1]] - first, vertices[corners[2]] - first
        longest = max(np.sqrt(np.sum(second**2)), np.sqrt(np.sum(third**2)))
        count = int(longest / step) + 1
        for j in range(count + 1):
            for k in range(count + 1 - j):
                point = (first + (j * second + k * third) / count) / spacing + 0.5
                mask[int(point[0]), int(point[1]), int(point[2])] = True
