"""Bootstrap confidence intervals of a mean."""

from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import stats

RESAMPLES = 9999
SEED = 0
Interval = Literal["percentile", "bca"]


def bootstrap_interval(
    values: np.ndarray,
    clusters: np.ndarray,
    kind: Interval = "percentile",
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Return a bootstrap interval of the mean.

    Whole clusters are drawn with replacement, because the sessions of one subject do
    not vary as freely as subjects do (Davison and Hinkley, 1997, section 3.8).

    Parameters
    ----------
    values
        One number per case.
    clusters
        The subject of each case.
    kind
        Percentile interval (Efron, 1979), or the bias-corrected and accelerated one
        (Efron, 1987), whose acceleration leaves out one cluster at a time.
    level
        Share of the intervals that should cover the true mean.

    Returns
    -------
    Lower and upper bound from 9999 draws with a fixed seed, or None with fewer than two
    clusters.
    """
    names, codes = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        return None
    sums = np.bincount(codes, weights=values)
    sizes = np.bincount(codes).astype(float)
    draws = cluster_draws(len(names))
    # Every draw holds as many clusters as there are.
    equal = np.ptp(sizes) == 0
    means = (draws @ sums) / (sizes.sum() if equal else draws @ sizes)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if kind == "bca" and np.ptp(means) > 0:
        tails = corrected_tails(tails, means, sums, sizes)
    low, high = np.percentile(means, 100 * tails)
    return float(low), float(high)


def corrected_tails(
    tails: np.ndarray, means: np.ndarray, sums: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Return the tail shares that the BCa interval reads instead (Efron, 1987, eq. 2.3).

    Parameters
    ----------
    tails
        Shares of the draws below each bound.
    means
        The mean of each draw.
    sums, sizes
        Sum and number of the values of each cluster.
    """
    mean = sums.sum() / sizes.sum()
    below = np.mean(means < mean) / 2 + np.mean(means <= mean) / 2
    bias = stats.norm.ppf(below)
    influence = mean - (sums.sum() - sums) / (sizes.sum() - sizes)
    influence = influence - influence.mean()
    spread = np.sum(influence**2)
    acceleration = np.sum(influence**3) / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + stats.norm.ppf(tails)
    return np.asarray(stats.norm.cdf(bias + shifted / (1 - acceleration * shifted)))


@lru_cache(maxsize=4)
def cluster_draws(number: int, resamples: int = RESAMPLES) -> np.ndarray:
    """Return how often each of `number` clusters is in each draw (draws x clusters)."""
    random = np.random.default_rng(SEED)
    return random.multinomial(number, np.full(number, 1 / number), size=resamples).astype(float)
