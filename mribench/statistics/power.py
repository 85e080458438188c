"""How many subjects would have separated two methods."""

from math import ceil, isfinite

import numpy as np
from scipy import optimize, stats

from mribench.statistics.signed_rank import rank_biserial, smallest_p

POWER = 0.8
MOST = 10_000_000


def subjects_needed(values: np.ndarray, test: str, alpha: float) -> int | None:
    """Return how many subjects a test needs to find such a difference in four of five studies.

    The effect is taken as observed, so the number is as uncertain as the effect; it says
    which order of magnitude a study should have had, not what a new one will find.

    Parameters
    ----------
    values
        Differences, one per subject.
    test
        ``wilcoxon`` by Noether's formula (J Am Stat Assoc 82, 1987, section 3.2);
        ``t_test`` by the non-central t distribution; ``permutation`` as the t-test, to
        which it is equivalent in large samples.
    alpha
        Two-sided level after correction.

    Returns
    -------
    The number for a power of 0.8, or None where the differences point nowhere or cannot be
    weighed: fewer than two that are not 0, or no spread under a t-test.
    """
    if np.count_nonzero(values) < 2:
        return None
    number = noether(values, alpha) if test == "wilcoxon" else student(values, alpha)
    if not isfinite(number) or number > MOST:
        return None
    return max(ceil(number), 2 if test == "t_test" else least_subjects(values, alpha))


def noether(values: np.ndarray, alpha: float) -> float:
    """Return Noether's number of subjects for the signed-rank test."""
    nonzero = values[values != 0]
    number = len(nonzero)
    total = number * (number + 1) / 2
    positive = total * (1 + rank_biserial(nonzero)) / 2
    # The share of pairs of subjects whose differences have a positive sum.
    share = (positive - np.count_nonzero(nonzero > 0)) / (total - number)
    quantiles = stats.norm.isf(alpha / 2) + stats.norm.ppf(POWER)
    if abs(share - 0.5) < 1e-9:
        return float("inf")
    return float(quantiles**2 / (3 * (share - 0.5) ** 2) * len(values) / number)


def student(values: np.ndarray, alpha: float) -> float:
    """Return the number of subjects for the paired t-test, not rounded."""
    spread = values.std(ddof=1)
    if spread == 0 or abs(values.mean()) < 1e-9 * spread:
        return float("inf")
    effect = abs(values.mean()) / spread

    def missing(number: float) -> float:
        bound, shift = stats.t.isf(alpha / 2, number - 1), effect * np.sqrt(number)
        return float(stats.nct.sf(bound, number - 1, shift) - POWER)

    largest = 2.0
    while missing(largest) < 0 and largest < MOST:
        largest *= 2
    if largest == 2 or largest >= MOST:
        return largest
    return float(optimize.brentq(missing, largest / 2, largest))


def least_subjects(values: np.ndarray, alpha: float) -> int:
    """Return how many subjects, some with difference 0, let a test of signs reach a level."""
    number = 1
    while smallest_p(number) > alpha:
        number += 1
    return ceil(number * len(values) / np.count_nonzero(values))
