"""The Wilcoxon signed-rank test."""

from typing import NamedTuple

import numpy as np
from scipy import stats

EXACT_UP_TO = 50


class SignedRank(NamedTuple):
    """Result of the test.

    `statistic` is the smaller of the two rank sums, `p` two-sided.
    """

    statistic: float
    p: float


def signed_rank(differences: np.ndarray) -> SignedRank:
    """Test whether paired differences are symmetric around 0 (Wilcoxon, 1945).

    Differences of 0 are left out. Up to 50 others the p value is exact, also with ties:
    it counts the assignments of signs to the observed ranks. Beyond, it is the normal
    approximation with correction for ties.

    Parameters
    ----------
    differences
        One number per pair, not all 0.
    """
    nonzero = differences[differences != 0]
    ranks = stats.rankdata(np.abs(nonzero))
    positive, negative = ranks[nonzero > 0].sum(), ranks[nonzero < 0].sum()
    statistic = float(min(positive, negative))
    if len(nonzero) <= EXACT_UP_TO:
        p = exact_p(ranks, statistic)
    else:
        p = float(stats.wilcoxon(nonzero, method="asymptotic").pvalue)
    return SignedRank(statistic, p)


def rank_biserial(differences: np.ndarray) -> float:
    """Return the effect size from -1 to 1 (Kerby, 2014).

    The share of the rank sum in favour of positive differences minus that of negative
    ones; differences of 0, of which not all may be, are left out.
    """
    ranks = stats.rankdata(np.abs(differences[differences != 0]))
    signs = np.sign(differences[differences != 0])
    return float(np.sum(signs * ranks) / ranks.sum())


def exact_p(ranks: np.ndarray, statistic: float) -> float:
    """Return the two-sided probability of a rank sum as small as `statistic`.

    Parameters
    ----------
    ranks
        Ranks of the absolute differences, ties sharing their mean rank.
    statistic
        The smaller of the rank sums of positive and of negative differences.
    """
    # Mean ranks are halves of whole numbers, so that doubled sums can count as indices.
    doubled = np.rint(2 * ranks).astype(int)
    ways = np.zeros(doubled.sum() + 1)
    ways[0] = 1
    for rank in doubled:
        ways[rank:] = ways[rank:] + ways[: len(ways) - rank]
    tail = ways[: round(2 * statistic) + 1].sum() / 2.0 ** len(ranks)
    return float(min(1.0, 2 * tail))


def smallest_p(number: int) -> float:
    """Return the smallest two-sided p value that `number` non-zero differences can give."""
    return 2.0 ** (1 - number)
