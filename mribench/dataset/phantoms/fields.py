"""Smooth random fields: cubic B-splines with random coefficients.

One tool serves the deformation, the bias field, tissue texture and the thickness
of skull and scalp; only the distance between knots differs.
"""

from collections.abc import Sequence

import numpy as np

MEAN_SQUARED_WEIGHT = 151.0 / 315.0


def spline_weights(size: int, spacing: float, knot_mm: float, start_mm: float = 0.0) -> np.ndarray:
    """Return the cubic B-spline basis along one axis.

    Parameters
    ----------
    size
        Number of voxels.
    spacing
        Voxel size in mm.
    knot_mm
        Distance of the knots in mm; knot `k` stands at ``(k - 1) * knot_mm``.
    start_mm
        Where the first voxel's centre stands.

    Returns
    -------
    Matrix (voxels, knots), float32; every row sums to 1.
    """
    position = (start_mm + np.arange(size) * spacing) / knot_mm
    first = np.floor(position).astype(int)
    t = position - first
    parts = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    weights = np.zeros((size, first[-1] + 4), dtype=np.float32)
    for offset, part in enumerate(parts):
        weights[np.arange(size), first + offset] = part / 6
    return weights


def knot_counts(
    shape: Sequence[int], spacing: Sequence[float], knot_mm: float
) -> tuple[int, int, int]:
    """Return how many knots along x, y, z cover a grid of `shape` voxels."""
    x, y, z = (
        int(np.floor((size - 1) * (step / knot_mm))) + 4
        for size, step in zip(shape, spacing, strict=True)
    )
    return x, y, z


def evaluate(
    coefficients: np.ndarray,
    shape: Sequence[int],
    spacing: Sequence[float],
    knot_mm: float,
    start_mm: Sequence[float] = (0.0, 0.0, 0.0),
) -> np.ndarray:
    """Return the B-spline with `coefficients` (knots along x, y, z) on a grid, float32."""
    x, y, z = (
        spline_weights(size, step, knot_mm, start)
        for size, step, start in zip(shape, spacing, start_mm, strict=True)
    )
    field = coefficients[: x.shape[1], : y.shape[1], : z.shape[1]].astype(np.float32)
    field = np.tensordot(x, field, axes=(1, 0))
    field = np.matmul(y, field)
    return np.matmul(field, z.T)


def smooth_field(
    generator: np.random.Generator,
    shape: Sequence[int],
    spacing: Sequence[float],
    knot_mm: float,
) -> np.ndarray:
    """Return a random field of mean 0 and standard deviation 1 (over draws), float32.

    Parameters
    ----------
    generator
        Source of the coefficients.
    shape, spacing
        Voxels (x, y, z) and their size in mm.
    knot_mm
        Distance of the knots; the field correlates over about twice as much.
    """
    coefficients = generator.standard_normal(knot_counts(shape, spacing, knot_mm), np.float32)
    return evaluate(coefficients / MEAN_SQUARED_WEIGHT**1.5, shape, spacing, knot_mm)
