"""Resampling onto another grid with one interpolation, whatever the chain of transforms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import ndimage

from mribench.dataset.geometry import Grid
from mribench.preprocessing.transforms import Transform, apply, compose, read_transform

Interpolation = Literal["linear", "bspline", "nearest", "generic"]
LABELS = ("nearest", "generic")
ORDER = {"nearest": 0, "linear": 1, "bspline": 3}
EDGE = {"nearest": "nearest", "linear": "nearest", "bspline": "mirror"}
SLAB_VOXELS = 2_000_000
SAME_VOXEL = 1e-4
TIE = 1e-6


def resample(
    array: np.ndarray,
    grid: Grid,
    target: Grid,
    transforms: Sequence[Path | tuple[Path, bool]] = (),
    interpolation: Interpolation = "linear",
) -> np.ndarray:
    """Bring an array onto another grid through a chain of transforms.

    Parameters
    ----------
    array
        Values (x, y, z) on `grid`.
    grid, target
        The grid that `array` stands on, and the one wanted.
    transforms
        Files in the order of ``ants.apply_transforms``: each maps points, the first
        one takes points of `target`, the last one gives points of `grid`. A pair
        ``(path, True)`` inverts a linear transform.
    interpolation
        ``linear``; ``bspline`` (cubic, for images; overshoot beyond the range of `array`
        is clipped); for labels ``nearest`` or ``generic``, which takes the label whose
        linear weights around a point sum up to most (GenericLabel of ANTs; the smallest
        label among equals).

    Returns
    -------
    Values on `target`, 0 outside the field of view of `array`; float32 for images, the
    type of `array` for labels. Where every voxel of `target` falls on a voxel of `grid`,
    the values are those of `array`, exactly.
    """
    pairs = [item if isinstance(item, tuple) else (item, False) for item in transforms]
    chain = [read_transform(Path(path), invert) for path, invert in pairs]
    return resample_through(array, grid, target, chain, interpolation)


def resample_through(
    array: np.ndarray,
    grid: Grid,
    target: Grid,
    transforms: Sequence[Transform],
    interpolation: Interpolation = "linear",
) -> np.ndarray:
    """Do what :func:`resample` does, with transforms in memory."""
    steps = compose([target.affine, *transforms, np.linalg.inv(grid.affine)])
    kind = array.dtype if interpolation in LABELS else np.dtype(np.float32)
    shift = _whole_shift(steps, target.shape)
    if shift is not None:
        return _cut(array.astype(kind), shift, target.shape)
    if interpolation == "bspline":
        values = ndimage.spline_filter(array, order=3, output=np.float32, mode="mirror")
    else:
        values = array.astype(kind, copy=False)
    result = np.zeros(target.shape, dtype=kind)
    for planes in _slabs(target.shape):
        index = apply(steps, _indices(planes, target.shape))
        result[planes] = _sample(values, index, interpolation).reshape(result[planes].shape)
    if interpolation == "bspline":
        np.clip(result, min(array.min(), 0), max(array.max(), 0), out=result)
    return result


def _whole_shift(steps: list[Transform], shape: tuple[int, ...]) -> np.ndarray | None:
    """Return by how many voxels the chain moves the grid, if it does nothing else.

    Each voxel must fall on another within a ten-thousandth of its size.
    """
    if len(steps) > 1 or not isinstance(steps[0], np.ndarray):
        return None
    rounded = np.eye(4)
    rounded[:3, 3] = np.rint(steps[0][:3, 3])
    reach = np.abs(steps[0] - rounded)[:3] @ [*shape, 1]
    return rounded[:3, 3].astype(int) if reach.max() < SAME_VOXEL else None


def _cut(array: np.ndarray, first: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the block of `shape` that begins at voxel `first`; what lies outside is 0."""
    start = np.clip(first, 0, array.shape)
    stop = np.clip(first + shape, start, array.shape)
    result = np.zeros(shape, dtype=array.dtype)
    inside = tuple(slice(*ends) for ends in zip(start, stop, strict=True))
    part = tuple(slice(*ends) for ends in zip(start - first, stop - first, strict=True))
    result[part] = array[inside]
    return result


def _slabs(shape: tuple[int, ...]) -> list[slice]:
    """Cut the first axis so that coordinates of one piece stay small in memory."""
    thickness = max(1, SLAB_VOXELS // (shape[1] * shape[2]))
    return [slice(start, start + thickness) for start in range(0, shape[0], thickness)]


def _indices(planes: slice, shape: tuple[int, ...]) -> np.ndarray:
    first = np.arange(shape[0], dtype=float)[planes]
    axes = (first, np.arange(shape[1], dtype=float), np.arange(shape[2], dtype=float))
    return np.stack(np.meshgrid(*axes, indexing="ij")).reshape(3, -1)


def _sample(values: np.ndarray, index: np.ndarray, interpolation: Interpolation) -> np.ndarray:
    """Interpolate at `index` (3, n); a voxel reaches half a voxel around its centre."""
    if interpolation == "generic":
        return _vote(values, index)
    edges = np.array(values.shape)[:, None] - 0.5
    inside = ((index >= -0.5 - SAME_VOXEL) & (index <= edges + SAME_VOXEL)).all(axis=0)
    sampled = ndimage.map_coordinates(
        values,
        index[:, inside],
        order=ORDER[interpolation],
        mode=EDGE[interpolation],
        prefilter=False,
        output=values.dtype,
    )
    result = np.zeros(index.shape[1], dtype=values.dtype)
    result[inside] = sampled
    return result


def _vote(labels: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return the label with the largest linear weight at `index` (3, n); 0 outside."""
    best = np.zeros(index.shape[1], dtype=np.float32)
    winner = np.zeros(index.shape[1], dtype=labels.dtype)
    for label in np.unique(labels):
        weight = _sample((labels == label).astype(np.float32), index, "linear")
        larger = weight > best + TIE
        best[larger], winner[larger] = weight[larger], label
    return winner
