"""Start of the classes: k-means, then a mixture of normals without neighbourhood."""

import numpy as np

from mribench.preprocessing.hmrf.mixture import (
    Classes,
    from_moments,
    log_densities,
    sample_moments,
)

OUTLIERS = 0.5
KMEANS_ITERATIONS = 50
MIXTURE_ITERATIONS = 30


def start_classes(values: np.ndarray, number: int) -> Classes:
    """Return `number` classes of a sample of logarithmic intensities (n, contrast).

    Only the first contrast decides the start: several together would give a class of
    its own to what is dark in all of them, such as vessels. k-means works on its
    intensities, a mixture of normals with equal shares on their logarithms.
    """
    first = values[:, :1]
    nearest = kmeans(np.exp(first[:, 0]), number)
    posteriors = np.eye(number)[nearest]
    for _ in range(MIXTURE_ITERATIONS):
        densities = log_densities(first, from_moments(sample_moments(first, posteriors)))
        posteriors = np.exp(densities - densities.max(axis=1, keepdims=True))
        posteriors /= posteriors.sum(axis=1, keepdims=True)
    return from_moments(sample_moments(values, posteriors))


def kmeans(intensities: np.ndarray, number: int) -> np.ndarray:
    """Return the cluster (n), from dark to bright, of each voxel of `intensities` (n).

    Percentiles 0.5 and 99.5 clip the intensities against outliers. The centres start
    at evenly spaced quantiles of the distinct values, so nothing is random.
    """
    low, high = np.percentile(intensities, [OUTLIERS, 100 - OUTLIERS])
    clipped = np.clip(intensities, low, high)
    centres = np.quantile(np.unique(clipped), (np.arange(number) + 0.5) / number)
    for _ in range(KMEANS_ITERATIONS):
        nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, clipped)
        counts = np.bincount(nearest, minlength=number)
        sums = np.bincount(nearest, clipped, number)
        previous, centres = centres, np.where(counts > 0, sums / np.maximum(counts, 1), centres)
        if np.array_equal(previous, centres):
            break
    return nearest
