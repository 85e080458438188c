"""Compiled inner loops of the partial volumes."""

import numpy as np

from mribench.preprocessing.hmrf.kernels import Array, add_neighbours, compiled, exponential


@compiled
def score_mixels(
    points: Array,
    intensities: Array,
    means: Array,
    precisions: Array,
    constants: Array,
    likelihoods: Array,
    best: Array,
) -> None:
    """Score kinds of voxels, each a series of normals, at `points` of `intensities` (n, C).

    Sets `likelihoods` (n, kind) to the logarithm of the mean density over a kind's
    series, and `best` (n, kind) to the index of its largest density. `means` is (kind,
    series, C), `precisions` (kind, series, C, C), `constants` (kind, series).
    """
    kinds, series, contrasts = means.shape
    densities = np.empty(series, np.float32)
    for n in points:
        for kind in range(kinds):
            for s in range(series):
                distance = np.float32(0)
                for c in range(contrasts):
                    first = intensities[n, c] - means[kind, s, c]
                    for d in range(contrasts):
                        second = intensities[n, d] - means[kind, s, d]
                        distance += precisions[kind, s, c, d] * first * second
                densities[s] = constants[kind, s] - np.float32(0.5) * distance
            place = densities.argmax()
            top = densities[place]
            densities -= top
            exponential(densities)
            best[n, kind] = place
            likelihoods[n, kind] = top + np.log(densities.sum() / np.float32(series))


@compiled
def choose_mixels(
    slabs: Array,
    index: Array,
    inside: Array,
    extents: Array,
    posteriors: Array,
    likelihoods: Array,
    shares: Array,
    pairs: Array,
    weights: Array,
    support: float,
    volumes: Array,
) -> None:
    """Set `volumes` (class, x, y, z) to the shares of each voxel's best kind.

    `index` says which line of `likelihoods` (n, kind) and `shares` (n, pair) a voxel
    reads; `support` is the factor on the neighbours' sums of the two classes of a pair.
    """
    classes, depth = posteriors.shape[0], posteriors.shape[3]
    beside, across = np.empty(depth, np.float32), np.empty(depth, np.float32)
    sums = np.empty((classes, depth), np.float32)
    for x in slabs:
        for y in range(1, index.shape[1] - 1):
            start, stop = extents[x, y]
            size = stop - start
            if size <= 0:
                continue
            for k in range(classes):
                row = sums[k, :size]
                add_neighbours(posteriors[k], x, y, start, stop, weights, beside, across, row)
            for z in range(size):
                if inside[x, y, start + z]:
                    line = index[x, y, start + z]
                    kind = best_kind(likelihoods[line], sums[:, z], pairs, support)
                    if kind < classes:
                        volumes[kind, x, y, start + z] = 1
                    else:
                        share = shares[line, kind - classes]
                        volumes[pairs[kind - classes, 0], x, y, start + z] = 1 - share
                        volumes[pairs[kind - classes, 1], x, y, start + z] = share


@compiled
def best_kind(likelihoods: Array, sums: Array, pairs: Array, support: float) -> int:
    """Return the kind with the highest sum of log likelihood and neighbours' support."""
    classes, best = sums.size, 0
    top = likelihoods[0] + sums[0]
    for k in range(1, classes):
        score = likelihoods[k] + sums[k]
        if score > top:
            top, best = score, k
    for p in range(len(pairs)):
        score = likelihoods[classes + p] + support * (sums[pairs[p, 0]] + sums[pairs[p, 1]])
        if score > top:
            top, best = score, classes + p
    return best
