"""The paired tests that a study can choose, and when each of them can tell anything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from mribench.statistics.permutation import sign_flip_p
from mribench.statistics.signed_rank import EXACT_UP_TO, signed_rank, smallest_p


class Result(NamedTuple):
    """`statistic`, two-sided `p`, and the `form` in which p was found."""

    statistic: float
    p: float
    form: str


@dataclass(frozen=True)
class PairedTest:
    """A test of paired differences.

    Attributes
    ----------
    title
        Its name in sentences.
    run
        The test; takes the differences.
    smallest
        The smallest two-sided p value that a number of non-zero differences can give.
    needs_spread
        Whether differences that are all equal have no test statistic.
    """

    title: str
    run: Callable[[np.ndarray], Result]
    smallest: Callable[[int], float]
    needs_spread: bool = False

    def obstacle(self, values: np.ndarray, alpha: float) -> str:
        """Say why differences cannot be tested at level `alpha`; empty where they can."""
        nonzero = int(np.count_nonzero(values))
        if not len(values):
            return "no case is defined for both"
        if not nonzero:
            return "all differences are 0"
        if self.needs_spread and len(values) < 2:
            return "there is one difference only"
        if self.needs_spread and np.ptp(values) == 0:
            return f"all {len(values)} differences are equal, so that they have no spread"
        if self.smallest(nonzero) > alpha:
            return (
                f"the smallest possible p is {self.smallest(nonzero):.3g} "
                f"with {nonzero} non-zero differences"
            )
        return ""


def wilcoxon(values: np.ndarray) -> Result:
    """Return Wilcoxon's signed-rank test; the statistic is the smaller rank sum."""
    found = signed_rank(values)
    exact = np.count_nonzero(values) <= EXACT_UP_TO
    return Result(found.statistic, found.p, "exact" if exact else "normal approximation")


def t_test(values: np.ndarray) -> Result:
    """Return the paired t-test (Student, 1908)."""
    found = stats.ttest_1samp(values, 0.0)
    return Result(float(found.statistic), float(found.pvalue), "t distribution")


def permutation(values: np.ndarray) -> Result:
    """Return the sign-flip test; the statistic is the mean difference."""
    p, exact = sign_flip_p(values)
    return Result(float(values.mean()), p, "exact" if exact else "Monte Carlo")


PAIRED_TESTS = {
    "wilcoxon": PairedTest("Wilcoxon signed-rank test", wilcoxon, smallest_p),
    "t_test": PairedTest("t-test", t_test, lambda number: 0.0, needs_spread=True),
    "permutation": PairedTest("sign-flip permutation test", permutation, smallest_p),
}
