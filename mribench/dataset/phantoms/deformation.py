"""A random smooth, invertible map from each subject's head to its source anatomy."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage

from mribench.dataset.phantoms.fields import evaluate, knot_counts
from mribench.dataset.phantoms.sources import Source

KNOT_MM = 4.0
MARGIN = 4
SCALES_MM = (32.0, 14.0)
SHARES = (0.75, 0.25)
SQUARINGS = 6
VENTRICLE_REACH_MM = 12.0


@dataclass(frozen=True)
class Deformation:
    """A map of points (world mm) of the subject to points of the source.

    Attributes
    ----------
    matrix
        Affine part (4 x 4), applied after the displacement.
    displacement
        Displacement in mm at the knots, (3, knots along x, y, z).
    origin
        World mm of the subject grid's first voxel.
    """

    matrix: np.ndarray
    displacement: np.ndarray
    origin: np.ndarray

    def points(self, shape: Sequence[int], step: float, start: Sequence[float]) -> np.ndarray:
        """Return the source's world mm (3, x, y, z), float32, of a block of the subject.

        Parameters
        ----------
        shape
            Voxels of the block.
        step
            Voxel size in mm.
        start
            First voxel in mm from the subject grid's first voxel.
        """
        moved = [
            (np.arange(size, dtype=np.float32) * step + offset).reshape(
                [-1 if axis == other else 1 for other in range(3)]
            )
            + evaluate(self.displacement[axis], shape, (step,) * 3, KNOT_MM, start)
            for axis, (size, offset) in enumerate(
                zip(shape, np.add(start, self.origin), strict=True)
            )
        ]
        linear = self.matrix.astype(np.float32)
        return np.stack([sum(row[j] * moved[j] for j in range(3)) + row[3] for row in linear[:3]])


def draw_deformation(
    generator: np.random.Generator, source: Source, age: float, largest_mm: float
) -> Deformation:
    """Draw the map of one subject.

    The affine part changes the head's size (down with age) and shape by some percent
    and turns it by up to 3 degrees. The rest is the flow of a stationary velocity
    field over unit time: random at two scales, plus a part that widens the ventricles
    with age. Because the speed is never above `largest_mm`, no displacement is either.

    Parameters
    ----------
    generator
        Source of randomness.
    source
        The anatomy.
    age
        Age in years.
    largest_mm
        Largest displacement in mm; 0 leaves the anatomy exactly as it is.

    Source: Arsigny et al., MICCAI 2006 (scaling and squaring of stationary fields).
    """
    room = [size + MARGIN for size in source.grid.shape]
    counts = knot_counts(room, source.grid.spacing, KNOT_MM)
    origin = source.grid.affine[:3, 3]
    if largest_mm == 0:
        return Deformation(np.eye(4), np.zeros((3, *counts), np.float32), origin)
    velocity = random_velocity(generator, counts)
    velocity += widening(source, counts) * (age - 20) / 25
    velocity *= largest_mm / np.linalg.norm(velocity, axis=0).max()
    matrix = draw_affine(generator, source, age)
    return Deformation(matrix, flow(velocity), origin)


def random_velocity(generator: np.random.Generator, counts: Sequence[int]) -> np.ndarray:
    """Return a smooth random vector field (3, knots), its mean square about 1."""
    field = np.zeros((3, *counts), np.float32)
    for scale, share in zip(SCALES_MM, SHARES, strict=True):
        size = (KNOT_MM,) * 3
        for axis in range(3):
            drawn = generator.standard_normal(knot_counts(counts, size, scale), np.float32)
            field[axis] += share * evaluate(drawn, counts, size, scale)
    return field / np.sqrt((field**2).mean())


def widening(source: Source, counts: Sequence[int]) -> np.ndarray:
    """Return a vector field (3, knots) towards the ventricles, strongest at their wall.

    Followed from the subject to the source, it makes the subject's ventricles larger.
    """
    step = int(KNOT_MM)
    nearest = [
        np.clip((np.arange(count) - 1) * step, 0, size - 1)
        for count, size in zip(counts, source.grid.shape, strict=True)
    ]
    distance = ndimage.gaussian_filter(source.ventricles[np.ix_(*nearest)], 0.75)
    slope = np.stack(np.gradient(distance, KNOT_MM))
    return -2.5 * slope * np.exp(-np.abs(distance) / VENTRICLE_REACH_MM)


def draw_affine(generator: np.random.Generator, source: Source, age: float) -> np.ndarray:
    """Return an affine map (4 x 4) of subject to source about the brain's centre in mm."""
    size = source.size * (1.0 - 0.0006 * (age - 45) + 0.02 * generator.uniform(-1, 1))
    scales = size * (1 + 0.02 * generator.uniform(-1, 1, 3))
    turn = rotation(np.deg2rad(3.0) * generator.uniform(-1, 1, 3))
    matrix = np.eye(4)
    matrix[:3, :3] = turn / scales
    matrix[:3, 3] = source.centre - matrix[:3, :3] @ source.centre
    return matrix


def rotation(angles: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the rotation (3 x 3) about x, then y, then z by `angles` in radians."""
    made = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = [(1, 2), (2, 0), (0, 1)][axis]
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        made = turn @ made
    return made


def flow(velocity: np.ndarray) -> np.ndarray:
    """Return the displacement (3, knots) in mm after unit time along `velocity` in mm."""
    displacement = velocity / 2**SQUARINGS
    knots = np.indices(velocity.shape[1:], dtype=np.float32)
    for _ in range(SQUARINGS):
        there = knots + displacement / KNOT_MM
        displacement = displacement + np.stack(
            [ndimage.map_coordinates(part, there, order=1, mode="nearest") for part in displacement]
        )
    return displacement


def jacobian_determinants(displacement: np.ndarray) -> np.ndarray:
    """Return the volume change of ``x + displacement`` at each knot; positive: no folding."""
    matrix = np.zeros((*displacement.shape[1:], 3, 3))
    for row, axis in product(range(3), range(3)):
        matrix[..., row, axis] = np.gradient(displacement[row], KNOT_MM, axis=axis)
    return np.linalg.det(matrix + np.eye(3))
