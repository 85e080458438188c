"""The signed-rank test against scipy and against all assignments of signs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mribench.statistics.signed_rank import rank_biserial, signed_rank, smallest_p

WHOLE = st.lists(st.integers(-6, 6), min_size=1, max_size=9).filter(any)


@given(WHOLE)
def test_p_counts_all_assignments_of_signs(differences):
    values = np.array(differences, float)
    nonzero = values[values != 0]
    ranks = stats.rankdata(np.abs(nonzero))
    found = signed_rank(values)
    sums = [
        min(ranks[np.array(signs)].sum(), ranks[~np.array(signs)].sum())
        for signs in itertools.product((True, False), repeat=len(ranks))
    ]
    assert found.p == pytest.approx(np.mean([s <= found.statistic for s in sums]))


@pytest.mark.parametrize("number", [6, 12, 30, 50, 51, 200])
def test_without_ties_it_is_scipys(number):
    values = np.random.default_rng(number).normal(0.1, 1, number)
    found, expected = signed_rank(values), stats.wilcoxon(values)
    assert found.statistic == expected.statistic
    assert found.p == pytest.approx(expected.pvalue)


def test_many_ties_are_scipys_corrected_approximation():
    values = np.random.default_rng(1).integers(-5, 8, 120).astype(float)
    found = signed_rank(values)
    expected = stats.wilcoxon(values, zero_method="wilcox", method="asymptotic")
    assert found.p == pytest.approx(expected.pvalue)


def test_effect_size_is_the_balance_of_the_rank_sums():
    # Ranks of 1, -2, 3, 4 are 1 to 4: 8 in favour, 2 against.
    assert rank_biserial(np.array([1.0, -2, 3, 4])) == pytest.approx((8 - 2) / 10)
    assert rank_biserial(np.array([0.0, 1, 2])) == 1


@given(st.integers(1, 30))
def test_smallest_p_is_that_of_differences_of_one_sign(number):
    assert signed_rank(np.arange(1.0, number + 1)).p == pytest.approx(min(1, smallest_p(number)))
