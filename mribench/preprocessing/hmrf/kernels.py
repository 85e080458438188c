"""Compiled inner loops of the hidden Markov random field.

Every kernel works on a range of slabs (first axis) and releases the interpreter lock;
what slabs share is either read only or summed per slab, so the results do not depend
on how slabs are dealt to threads. Arrays have one empty voxel around the mask.

Posteriors are kept as *margins*: probability of each class but the last, minus that of
the last. They are 0 outside the mask, and all the field needs.
"""

import numpy as np
from numba import njit

LEAST_EXPONENT = np.float32(-20)
Array = np.ndarray
compiled = njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


@compiled
def exponential(values: Array) -> None:
    """Replace `values` (n, float32, at most 0) by their exponentials, to a share of 1e-5.

    ``exp(x) = exp(x / 64)^64`` with a Taylor series, and 2e-9 below -20: unlike the
    library's function, this runs on vector units.
    """
    for z in range(values.size):
        r = max(values[z], LEAST_EXPONENT) * np.float32(1 / 64)
        series = np.float32(1 / 120) + r * np.float32(1 / 720)
        series = np.float32(1 / 24) + r * series
        series = np.float32(1 / 6) + r * series
        series = np.float32(0.5) + r * series
        series = np.float32(1) + r * series
        series = np.float32(1) + r * series
        series *= series
        series *= series
        series *= series
        series *= series
        series *= series
        values[z] = series * series


@compiled
def add_neighbours(
    margin: Array,
    x: int,
    y: int,
    start: int,
    stop: int,
    weights: Array,
    beside: Array,
    across: Array,
    sums: Array,
) -> None:
    """Set `sums` to the weighted sum of `margin` over the 26 neighbours of a row.

    `weights` (2, 2, 2) is indexed by whether the neighbour is one step away along each
    axis.
    """
    size = sums.size
    here = margin[x, y, start - 1 : stop + 1]
    left, right = margin[x - 1, y, start - 1 : stop + 1], margin[x + 1, y, start - 1 : stop + 1]
    back, front = margin[x, y - 1, start - 1 : stop + 1], margin[x, y + 1, start - 1 : stop + 1]
    corner_a = margin[x - 1, y - 1, start - 1 : stop + 1]
    corner_b = margin[x - 1, y + 1, start - 1 : stop + 1]
    corner_c = margin[x + 1, y - 1, start - 1 : stop + 1]
    corner_d = margin[x + 1, y + 1, start - 1 : stop + 1]
    for z in range(size + 2):
        first, second = left[z] + right[z], back[z] + front[z]
        third = corner_a[z] + corner_b[z] + corner_c[z] + corner_d[z]
        beside[z] = weights[1, 0, 0] * first + weights[0, 1, 0] * second + weights[1, 1, 0] * third
        across[z] = weights[0, 0, 1] * here[z] + weights[1, 0, 1] * first
        across[z] += weights[0, 1, 1] * second + weights[1, 1, 1] * third
    for z in range(size):
        sums[z] = beside[z + 1] + across[z] + across[z + 2]


@compiled
def set_energies(
    values: Array,
    x: int,
    y: int,
    start: int,
    means: Array,
    precisions: Array,
    constants: Array,
    energies: Array,
) -> None:
    """Set `energies` (class, n) to the log likelihood of a row's values under each class."""
    for k in range(means.shape[0]):
        row = energies[k]
        row[:] = constants[k]
        for c in range(means.shape[1]):
            first, first_mean = values[c, x, y, start : start + row.size], means[k, c]
            for d in range(c + 1):
                second, second_mean = values[d, x, y, start : start + row.size], means[k, d]
                factor = precisions[k, c, d] * np.float32(-0.5 if c == d else -1.0)
                for z in range(row.size):
                    a = first[z] - first_mean
                    b = second[z] - second_mean
                    row[z] += factor * a * b


@compiled
def normalise(energies: Array, inside: Array) -> None:
    """Turn `energies` (class, n) into probabilities; 0 where `inside` (n) is 0."""
    classes, size = energies.shape
    for z in range(size):
        top = energies[0, z]
        for k in range(1, classes):
            top = max(top, energies[k, z])
        for k in range(classes):
            energies[k, z] -= top
    for k in range(classes):
        exponential(energies[k])
    for z in range(size):
        total = energies[0, z]
        for k in range(1, classes):
            total += energies[k, z]
        share = np.float32(inside[z]) / total
        for k in range(classes):
            energies[k, z] *= share


@compiled
def add_moments(
    values: Array, x: int, y: int, start: int, posteriors: Array, moments: Array
) -> None:
    """Add a row's share to `moments` (class, 1 + C + C * C): weight, sums, products."""
    classes, size = posteriors.shape
    contrasts = values.shape[0]
    for k in range(classes):
        weight = np.float32(0)
        for z in range(size):
            weight += posteriors[k, z]
        moments[k, 0] += weight
        for c in range(contrasts):
            first = values[c, x, y, start : start + size]
            total = np.float32(0)
            for z in range(size):
                total += posteriors[k, z] * first[z]
            moments[k, 1 + c] += total
            for d in range(c + 1):
                second = values[d, x, y, start : start + size]
                product = np.float32(0)
                for z in range(size):
                    product += posteriors[k, z] * first[z] * second[z]
                moments[k, 1 + contrasts + c * contrasts + d] += product


@compiled
def update_slabs(
    slabs: Array,
    values: Array,
    inside: Array,
    extents: Array,
    margins: Array,
    means: Array,
    precisions: Array,
    constants: Array,
    weights: Array,
    moments: Array,
) -> None:
    """Update the margins of `slabs` in place, and set the moments of each slab.

    Rows are visited in order, so each row sees its updated neighbours.
    """
    classes, depth = means.shape[0], values.shape[3]
    scratch = np.empty((classes, depth), np.float32)
    sums, beside, across = (
        np.empty(depth, np.float32),
        np.empty(depth, np.float32),
        np.empty(depth, np.float32),
    )
    for x in slabs:
        moments[x] = 0
        for y in range(1, values.shape[2] - 1):
            start, stop = extents[x, y]
            size = stop - start
            if size <= 0:
                continue
            row = scratch[:, :size]
            set_energies(values, x, y, start, means, precisions, constants, row)
            for k in range(classes - 1):
                add_neighbours(margins[k], x, y, start, stop, weights, beside, across, sums[:size])
                for z in range(size):
                    row[k, z] += sums[z]
            normalise(row, inside[x, y, start:stop])
            for k in range(classes - 1):
                target = margins[k, x, y, start:stop]
                for z in range(size):
                    target[z] = row[k, z] - row[classes - 1, z]
            add_moments(values, x, y, start, row, moments[x])
