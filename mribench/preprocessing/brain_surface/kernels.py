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
Triple = tuple[float, float, float]
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
def _difference(vertices: Array, j: int, i: int) -> Triple:
    return (
        vertices[j, 0] - vertices[i, 0],
        vertices[j, 1] - vertices[i, 1],
        vertices[j, 2] - vertices[i, 2],
    )


@compiled
def ring_vectors(vertices: Array, ring: Array, i: int) -> tuple[Triple, Triple]:
    """Return the outward unit normal of vertex `i`, and the way to its neighbours' mean."""
    nx = ny = nz = mx = my = mz = 0.0
    count = 0
    while count < len(ring) and ring[count] >= 0:
        count += 1
    ax, ay, az = _difference(vertices, ring[count - 1], i)
    for k in range(count):
        bx, by, bz = _difference(vertices, ring[k], i)
        nx, ny, nz = nx + ay * bz - az * by, ny + az * bx - ax * bz, nz + ax * by - ay * bx
        mx, my, mz = mx + bx, my + by, mz + bz
        ax, ay, az = bx, by, bz
    length = np.sqrt(nx * nx + ny * ny + nz * nz)
    return (nx / length, ny / length, nz / length), (mx / count, my / count, mz / count)


@compiled
def value_below(array: Array, voxel: Triple, inwards: Triple, depth: float) -> float:
    """Return the voxel `depth` mm inside of a vertex, or NaN outside the field of view.

    `voxel` is the vertex in voxels, `inwards` one mm towards the inside in voxels.
    """
    x = int(np.floor(voxel[0] + depth * inwards[0] + 0.5))
    y = int(np.floor(voxel[1] + depth * inwards[1] + 0.5))
    z = int(np.floor(voxel[2] + depth * inwards[2] + 0.5))
    nx, ny, nz = array.shape
    if 0 <= x < nx and 0 <= y < ny and 0 <= z < nz:
        return float(array[x, y, z])
    return np.nan


@compiled
def push(
    array: Array, levels: Array, share: float, step: float, voxel: Triple, inwards: Triple
) -> float:
    """Return by how much the values inside push a vertex outwards (below 0: inwards)."""
    dark, least, middle = levels[0], levels[1], levels[2]
    deepest = value_below(array, voxel, inwards, DARK_MM)
    if np.isnan(deepest) or np.isnan(value_below(array, voxel, inwards, NEAREST_MM)):
        return 0.0
    lowest, highest = min(middle, deepest), least
    depth = NEAREST_MM
    while depth < DARK_MM:
        value = value_below(array, voxel, inwards, depth)
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
    step = min(1.0, spacing.min())
    dx, dy, dz = spacing[0], spacing[1], spacing[2]
    for i in range(len(vertices)):
        (nx, ny, nz), (mx, my, mz) = ring_vectors(vertices, rings[i], i)
        across = mx * nx + my * ny + mz * nz
        smoothing = (1 + np.tanh(STEEPNESS * (2 * abs(across) / length**2 - CURVATURE))) / 2
        if across > 0:
            smoothing = min(1.0, hollows * smoothing)
        voxel = (vertices[i, 0] / dx, vertices[i, 1] / dy, vertices[i, 2] / dz)
        inwards = (-nx / dx, -ny / dy, -nz / dz)
        outwards = RATE * length * push(array, levels, share, step, voxel, inwards)
        outwards += (smoothing - ALONG) * across
        moved[i, 0] = vertices[i, 0] + ALONG * mx + outwards * nx
        moved[i, 1] = vertices[i, 1] + ALONG * my + outwards * ny
        moved[i, 2] = vertices[i, 2] + ALONG * mz + outwards * nz
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
