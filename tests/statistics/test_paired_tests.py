"""The paired tests against scipy, all assignments of signs, and published worked examples."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mribench.statistics.paired_tests import PAIRED_TESTS
from mribench.statistics.permutation import EXACT_UP_TO
from mribench.statistics.signed_rank import rank_biserial

# Darwin's pairs of cross- and self-fertilised maize, in eighths of an inch (Fisher, The
# Design of Experiments, 1935, sections 17 to 21).
MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)


def test_darwins_maize_as_published():
    # Fisher: t = 2.148 with 14 degrees of freedom; 1726 of 32768 sums are as large as 314.
    found = PAIRED_TESTS["t_test"].run(MAIZE)
    assert (round(found.statistic, 3), round(found.p, 4)) == (2.148, 0.0497)
    found = PAIRED_TESTS["permutation"].run(MAIZE)
    assert (found.statistic * 15, found.p, found.form) == (314, 1726 / 32768, "exact")
    # Pingouin 0.7.0: W 24, p 0.04126, rank-biserial correlation 0.6.
    found = PAIRED_TESTS["wilcoxon"].run(MAIZE)
    assert (found.statistic, round(found.p, 5), found.form) == (24, 0.04126, "exact")
    assert rank_biserial(MAIZE) == pytest.approx(0.6)


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9).filter(any))
def test_permutation_counts_all_signs(differences):
    values = np.array(differences, float)
    sums = [
        np.dot(signs, np.abs(values)) for signs in itertools.product((1, -1), repeat=len(values))
    ]
    expected = np.mean(np.abs(sums) >= abs(values.sum()))
    assert PAIRED_TESTS["permutation"].run(values).p == pytest.approx(expected)


def test_permutation_is_scipys():
    values = np.random.default_rng(0).normal(0.3, 1, 12)
    expected = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert PAIRED_TESTS["permutation"].run(values).p == pytest.approx(expected.pvalue)


def test_many_subjects_are_drawn_and_agree_with_the_exact_count():
    values = np.random.default_rng(1).normal(0.4, 1, EXACT_UP_TO)
    exact = PAIRED_TESTS["permutation"].run(values)
    # Differences that hardly weigh do not move p, but bring the number beyond the bound.
    drawn = PAIRED_TESTS["permutation"].run(np.append(values, [1e-7, -1e-7]))
    assert (exact.form, drawn.form) == ("exact", "Monte Carlo")
    assert drawn.p == pytest.approx(exact.p, abs=4 * np.sqrt(exact.p * (1 - exact.p) / 9999))
    assert drawn == PAIRED_TESTS["permutation"].run(np.append(values, [1e-7, -1e-7]))
    assert PAIRED_TESTS["permutation"].run(np.ones(40)).p == 1 / 10000


@pytest.mark.parametrize("name", PAIRED_TESTS)
@given(sign=st.sampled_from([-1, 1]), seed=st.integers(0, 50))
def test_p_does_not_know_which_method_is_first(name, sign, seed):
    values = np.random.default_rng(seed).normal(0.2, 1, 15).round(2)
    run = PAIRED_TESTS[name].run
    assert run(sign * values).p == pytest.approx(run(values).p)
    assert run(np.random.default_rng(0).permutation(values)).p == pytest.approx(run(values).p)


@pytest.mark.parametrize("name", PAIRED_TESTS)
def test_p_is_uniform_where_nothing_differs(name):
    random = np.random.default_rng(2)
    rejected = [PAIRED_TESTS[name].run(random.normal(size=12)).p <= 0.05 for _ in range(600)]
    # 0.05 within three standard errors; the signed-rank test of 12 pairs has level 0.042.
    assert np.mean(rejected) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("t_test", [0.2] * 9, "all 9 differences are equal, so that they have no spread"),
        ("t_test", [0.2], "there is one difference only"),
        ("t_test", [0.0] * 4, "all differences are 0"),
        ("t_test", [], "no case is defined for both"),
        ("permutation", [0.2] * 5, "the smallest possible p is 0.0625 with 5 non-zero differences"),
        ("wilcoxon", [0.2] * 5, "the smallest possible p is 0.0625 with 5 non-zero differences"),
        ("permutation", [0.2] * 6, ""),
        ("wilcoxon", [0.2] * 6, ""),
        ("t_test", [0.2, 0.3], ""),
    ],
)
def test_what_stands_in_the_way(name, values, reason):
    assert PAIRED_TESTS[name].obstacle(np.array(values, float), 0.05) == reason


@pytest.mark.parametrize("name", ["wilcoxon", "permutation"])
@pytest.mark.parametrize("number", [6, 9, 15])
def test_the_smallest_p_is_reached(name, number):
    found = PAIRED_TESTS[name]
    assert found.run(np.arange(1.0, number + 1)).p == pytest.approx(found.smallest(number))
