"""Compiled inner loops of the bias field."""

import numpy as np

from mribench.preprocessing.hmrf.kernels import Array, compiled


@compiled
def gather_residuals(
    cells: Array,
    original: Array,
    inside: Array,
    extents: Array,
    margins: Array,
    means: Array,
    variances: Array,
    step: Array,
    sums: Array,
) -> None:
    """Sum what is left of each voxel after its expected class mean, over coarse cells.

    `sums` (2, C, coarse grid) receives the residuals weighted by ``sum_k p_k / var_k``,
    and the weights; `cells` are indices of its first spatial axis, `step` the voxels
    per cell along each axis.
    """
    classes, contrasts = means.shape
    depth = original.shape[3]
    posteriors = np.empty((classes, depth), np.float32)
    for cell in cells:
        for x in range(cell * step[0], min((cell + 1) * step[0], original.shape[1])):
            for y in range(original.shape[2]):
                start, stop = extents[x, y]
                if stop <= start:
                    continue
                set_posteriors(margins, inside, x, y, start, stop, posteriors)
                for c in range(contrasts):
                    row = original[c, x, y]
                    residuals = sums[0, c, cell, y // step[1]]
                    weights = sums[1, c, cell, y // step[1]]
                    for k in range(classes):
                        scale = np.float32(1) / variances[k, c]
                        for z in range(start, stop):
                            weight = posteriors[k, z - start] * scale
                            residuals[z // step[2]] += weight * (row[z] - means[k, c])
                            weights[z // step[2]] += weight


@compiled
def set_posteriors(
    margins: Array,
    inside: Array,
    x: int,
    y: int,
    start: int,
    stop: int,
    posteriors: Array,
) -> None:
    """Set `posteriors` (class, n) of a row from its margins; 0 outside the mask."""
    classes = margins.shape[0] + 1
    share = np.float32(1.0 / classes)
    for z in range(start, stop):
        total = np.float32(inside[x, y, z])
        for k in range(classes - 1):
            total -= margins[k, x, y, z]
        last = total * share
        for k in range(classes - 1):
            posteriors[k, z - start] = margins[k, x, y, z] + last
        posteriors[classes - 1, z - start] = last


@compiled
def subtract_field(
    slabs: Array,
    original: Array,
    inside: Array,
    extents: Array,
    field: Array,
    step: Array,
    values: Array,
    changes: Array,
) -> None:
    """Set `values` to `original` minus the coarse `field` (C, grid), trilinear, in the mask.

    `changes` (slab, 2) receives the number of voxels and the sum of squared changes.
    """
    shape = field.shape[1:]
    line = np.empty(shape[2], np.float32)
    for x in slabs:
        low_x, high_x, share_x = neighbours(x, step[0], shape[0])
        for y in range(original.shape[2]):
            start, stop = extents[x, y]
            if stop <= start:
                continue
            low_y, high_y, share_y = neighbours(y, step[1], shape[1])
            for c in range(original.shape[0]):
                for z in range(shape[2]):
                    low = field[c, low_x, low_y, z]
                    low += share_y * (field[c, low_x, high_y, z] - low)
                    high = field[c, high_x, low_y, z]
                    high += share_y * (field[c, high_x, high_y, z] - high)
                    line[z] = low + share_x * (high - low)
                for z in range(start, stop):
                    low_z, high_z, share_z = neighbours(z, step[2], shape[2])
                    bias = line[low_z] + share_z * (line[high_z] - line[low_z])
                    value = (original[c, x, y, z] - bias) * np.float32(inside[x, y, z])
                    changes[x, 0] += inside[x, y, z]
                    changes[x, 1] += (value - values[c, x, y, z]) ** 2
                    values[c, x, y, z] = value


@compiled
def neighbours(index: int, step: int, size: int) -> tuple[int, int, np.float32]:
    """Return the two coarse cells around the centre of a voxel, and the share of the second."""
    place = (np.float32(index) + np.float32(0.5)) / np.float32(step) - np.float32(0.5)
    place = min(max(place, np.float32(0)), np.float32(size - 1))
    low = int(place)
    return low, min(low + 1, size - 1), place - np.float32(low)
