"""A scanner: its voxel grid, the head's motion, slice profile, bias field and noise."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from mribench.dataset.geometry import Grid
from mribench.dataset.phantoms.deformation import rotation
from mribench.dataset.phantoms.fields import smooth_field

BIAS_KNOT_MM = 120.0
LARGEST_SLAB = 6_000_000


def scanner_grid(head: Grid, spacing: Sequence[float]) -> Grid:
    """Return a RAS grid with voxels of `spacing` mm that covers the head's grid, same centre."""
    sizes = np.array(spacing, dtype=float)
    extent = np.array(head.shape) * np.array(head.spacing)
    shape = np.ceil(extent / sizes - 1e-6).astype(int)
    middle = head.affine[:3, 3] + (extent - np.array(head.spacing)) / 2
    affine = np.diag([*sizes, 1.0])
    affine[:3, 3] = middle - (shape - 1) / 2 * sizes
    x, y, z = (int(size) for size in shape)
    return Grid((x, y, z), affine)


def draw_motion(generator: np.random.Generator, centre: np.ndarray, largest: float) -> np.ndarray:
    """Return a rigid motion (4 x 4, world mm) of the head from rest to its place in a scan.

    Parameters
    ----------
    generator
        Source of randomness.
    centre
        The point in mm that the head turns about.
    largest
        Largest translation in mm and largest rotation in degrees.
    """
    shift, axis = (
        direction / np.linalg.norm(direction) for direction in generator.standard_normal((2, 3))
    )
    distance, angle = generator.uniform(0, largest, 2)
    motion = np.eye(4)
    motion[:3, :3] = rotation(np.deg2rad(angle) * axis)
    motion[:3, 3] = centre - motion[:3, :3] @ centre + distance * shift
    return motion


def sample(array: np.ndarray, grid: Grid, target: Grid, motion: np.ndarray) -> np.ndarray:
    """Return what each voxel of `target` contains on average, float32.

    A voxel is averaged over its whole box, which stands for the slice profile: it is
    cut into parts no longer than 1 mm along each axis, and `array` is interpolated
    linearly at their centres.

    Parameters
    ----------
    array
        Values (x, y, z) on `grid`, at rest; 0 outside.
    grid, target
        RAS grids without rotation.
    motion
        Rigid motion from rest to the scan.
    """
    parts = np.ceil(np.array(target.spacing) - 1e-3).astype(int)
    fine = target.affine @ np.diag([*(1 / parts), 1.0])
    fine[:3, 3] -= np.diag(target.affine)[:3] * (1 - 1 / parts) / 2
    matrix = np.linalg.inv(motion @ grid.affine) @ fine
    result = np.empty(target.shape, np.float32)
    per_slice = int(np.prod(np.array(target.shape) * parts)) // target.shape[2]
    step = max(1, LARGEST_SLAB // per_slice)
    for start in range(0, target.shape[2], step):
        stop = min(start + step, target.shape[2])
        shape = np.array([*target.shape[:2], stop - start]) * parts
        offset = matrix[:3, 3] + matrix[:3, 2] * start * parts[2]
        slab = ndimage.affine_transform(
            array, matrix[:3, :3], offset, tuple(shape), np.float32, order=1
        )
        for axis, count in enumerate(parts):
            slab = _mean_of(slab, axis, count)
        result[:, :, start:stop] = slab
    return result


def _mean_of(array: np.ndarray, axis: int, count: int) -> np.ndarray:
    if count == 1:
        return array
    shape = list(array.shape)
    shape[axis : axis + 1] = [shape[axis] // count, count]
    return array.reshape(shape).mean(axis=axis + 1, dtype=np.float32)


def sample_box(array: np.ndarray, grid: Grid, target: Grid, motion: np.ndarray) -> np.ndarray:
    """Like :func:`sample`, but computes only the part of `target` that `grid` reaches."""
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in grid.shape])).reshape(3, -1)
    to_target = np.linalg.inv(target.affine) @ motion @ grid.affine
    index = to_target[:3, :3] @ corners + to_target[:3, 3:]
    low = np.maximum(np.floor(index.min(axis=1)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(index.max(axis=1)).astype(int) + 2, target.shape)
    part = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    affine = target.affine.copy()
    affine[:3, 3] += target.affine[:3, :3] @ low
    result = np.zeros(target.shape, np.float32)
    result[part] = sample(array, grid, Grid(tuple(high - low), affine), motion)
    return result


def draw_bias(generator: np.random.Generator, grid: Grid, amplitude: float) -> np.ndarray:
    """Return a smooth multiplicative field from ``1 - amplitude`` to ``1 + amplitude``, float32."""
    field = smooth_field(generator, grid.shape, grid.spacing, BIAS_KNOT_MM)
    field -= (field.max() + field.min()) / 2
    return 1 + amplitude * field / np.abs(field).max()


def add_noise(generator: np.random.Generator, image: np.ndarray, deviation: float) -> np.ndarray:
    """Return the magnitude of `image` with complex Gaussian noise (Rician), float32.

    Source: Gudbjartsson and Patz, Magnetic Resonance in Medicine 34 (1995) 910-914.
    """
    if deviation == 0:
        return image
    noisy = np.empty_like(image)
    for index in range(image.shape[2]):
        real, imaginary = generator.standard_normal((2, *image.shape[:2]), np.float32) * deviation
        noisy[:, :, index] = np.hypot(image[:, :, index] + real, imaginary)
    return noisy
