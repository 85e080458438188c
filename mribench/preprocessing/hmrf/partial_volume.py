"""Shares of the classes in each voxel: pure voxels and mixtures of two classes."""

import itertools

import numpy as np

from mribench.preprocessing.hmrf import mixel_kernels
from mribench.preprocessing.hmrf.field import BRIGHTEST, Field
from mribench.preprocessing.hmrf.lattice import Workers, neighbour_weights
from mribench.preprocessing.hmrf.mixture import Classes, from_moments, sample_moments

BINS = 4096
LIMIT = 1.5 * float(BRIGHTEST)
SHARES_ONE_CONTRAST = 101
SHARES_SEVERAL_CONTRASTS = 26
MIXTURE_SUPPORT = 0.8


def partial_volumes(field: Field, mrf: float, workers: Workers) -> np.ndarray:
    """Return the share of each class (class, x, y, z) on the lattice.

    Every voxel is either pure or a mixture of two classes (a "mixel"). A mixture with
    share ``s`` of class b has mean ``(1 - s) m_a + s m_b`` and covariance
    ``(1 - s) C_a + s C_b`` of the intensities, not their logarithms. Squared shares would
    be right for what varies within a tissue, but most of the variance is the scanner's
    noise, which mixing does not lessen (Tohka, Zijdenbos and Evans, NeuroImage 23 (2004)
    84-97, keep the two apart). The likelihood of a mixture is the mean over ``s``; the
    kind with the highest likelihood, times the support of its neighbours, is taken, and
    then its most likely ``s``. The support of a pure kind is the weighted sum of the
    neighbours' probabilities of its class, that of a mixture `MIXTURE_SUPPORT` times the
    sums of its two classes.
    """
    lattice, posteriors = field.lattice, field.posteriors()
    points, index = _points(field)
    inside = lattice.inside > 0
    places = index[inside]
    weights = [np.bincount(places, part[inside], len(points)) for part in posteriors]
    classes = from_moments(sample_moments(points, np.stack(weights, axis=-1)))
    likelihoods, shares = mixel_tables(points, classes, workers)
    volumes = np.zeros_like(posteriors)
    workers.run(
        mixel_kernels.choose_mixels,
        lattice.slabs,
        index,
        lattice.inside,
        lattice.extents,
        posteriors,
        likelihoods,
        shares,
        _pairs(len(posteriors)),
        np.float32(mrf) * neighbour_weights(lattice.spacing),
        np.float32(MIXTURE_SUPPORT),
        volumes,
    )
    return volumes


def mixel_tables(
    points: np.ndarray, classes: Classes, workers: Workers
) -> tuple[np.ndarray, np.ndarray]:
    """Return log likelihoods (n, kind) and best shares of the second class (n, pair).

    Kinds are the pure classes, then the pairs of classes as `itertools.combinations`
    gives them. `points` (n, contrast) are intensities, and so are those of `classes`.
    """
    number = len(classes.means)
    first, second = _pairs(number).T
    several = points.shape[1] > 1
    grid = np.linspace(0, 1, SHARES_SEVERAL_CONTRASTS if several else SHARES_ONE_CONTRAST)
    low, high = (1 - grid)[:, None], grid[:, None]
    means, covariances = classes.means[:, None], classes.covariances[:, None]
    pure, _ = _score(points, means, covariances, workers)
    mixed_means = low * means[first] + high * means[second]
    low, high = low[..., None], high[..., None]
    mixed_covariances = low * covariances[first] + high * covariances[second]
    mixed, best = _score(points, mixed_means, mixed_covariances, workers)
    return np.concatenate([pure, mixed], axis=1), grid.astype(np.float32)[best]


def _score(
    points: np.ndarray, means: np.ndarray, covariances: np.ndarray, workers: Workers
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log mean likelihood over the shares and the best share's index (n, kind).

    `means` is (kind, share, contrast), `covariances` (kind, share, contrast, contrast).
    """
    likelihoods = np.empty((len(points), len(means)), np.float32)
    best = np.empty((len(points), len(means)), np.int64)
    workers.run(
        mixel_kernels.score_mixels,
        np.arange(len(points)),
        points.astype(np.float32),
        means.astype(np.float32),
        np.linalg.inv(covariances).astype(np.float32),
        (-0.5 * np.linalg.slogdet(covariances)[1]).astype(np.float32),
        likelihoods,
        best,
    )
    return likelihoods, best


def _points(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Return intensities (n, contrast) and which of them each voxel has, int32 (x, y, z).

    One contrast is binned finely, so that the tables are short; several are not.
    """
    intensities, inside = field.intensities(), field.lattice.inside > 0
    index = np.zeros(inside.shape, np.int32)
    if len(intensities) > 1:
        points = intensities[:, inside].T.astype(float)
        index[inside] = np.arange(len(points), dtype=np.int32)
        return points, index
    scaled = intensities[0] * np.float32(BINS / LIMIT)
    np.clip(scaled, 0, BINS - 1, out=index, casting="unsafe")
    centres = (np.arange(BINS) + 0.5) * (LIMIT / BINS)
    return centres[:, None], index


def _pairs(number: int) -> np.ndarray:
    return np.array(list(itertools.combinations(range(number), 2)), np.int64)
