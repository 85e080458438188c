"""The sphere that a brain surface starts from: an icosahedron, its triangles split in four."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull

GOLDEN_RATIO = (1 + 5**0.5) / 2
LARGEST_RING = 6


class Sphere(NamedTuple):
    """A closed mesh on the unit sphere.

    Attributes
    ----------
    vertices
        Positions (vertices, 3).
    triangles
        Vertices of each triangle (triangles, 3), anticlockwise when seen from outside.
    rings
        Neighbours of each vertex (vertices, 6), anticlockwise; -1 where there are only five.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    rings: np.ndarray


def make_sphere(splits: int) -> Sphere:
    """Return the icosahedron after `splits` splits of all its triangles: 4 give 2,562 vertices."""
    vertices, triangles = _icosahedron()
    for _ in range(splits):
        vertices, triangles = _split(vertices, triangles)
    return Sphere(vertices, triangles, _rings(len(vertices), triangles))


def _icosahedron() -> tuple[np.ndarray, np.ndarray]:
    ends = [(one, long) for one in (-1.0, 1.0) for long in (-GOLDEN_RATIO, GOLDEN_RATIO)]
    corners = [[(long, one, 0.0), (one, 0.0, long), (0.0, long, one)] for one, long in ends]
    vertices = _on_sphere(np.array(corners).reshape(-1, 3))
    triangles = ConvexHull(vertices).simplices
    first, second, third = np.moveaxis(vertices[triangles], 1, 0)
    inwards = (np.cross(second - first, third - first) * first).sum(axis=1) < 0
    triangles[inwards] = triangles[inwards][:, ::-1]
    return vertices, triangles


def _split(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2)
    unique, which = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
    middles = len(vertices) + which.reshape(-1, 3)
    a, b, c = triangles.T
    ab, bc, ca = middles.T
    split = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    added = _on_sphere(vertices[unique].mean(axis=1))
    pieces = [np.stack(corners, axis=1) for corners in split]
    return np.concatenate([vertices, added]), np.concatenate(pieces)


def _on_sphere(points: np.ndarray) -> np.ndarray:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _rings(count: int, triangles: np.ndarray) -> np.ndarray:
    following: list[dict[int, int]] = [{} for _ in range(count)]
    for a, b, c in triangles.tolist():
        following[a][b], following[b][c], following[c][a] = c, a, b
    rings = np.full((count, LARGEST_RING), -1)
    for vertex, after in enumerate(following):
        neighbour = min(after)
        for place in range(len(after)):
            rings[vertex, place] = neighbour
            neighbour = after[neighbour]
    return rings
