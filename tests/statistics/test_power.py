"""The number of subjects that two methods would have needed, against simulation."""

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from mribench.statistics.paired_tests import PAIRED_TESTS
from mribench.statistics.power import least_subjects, subjects_needed
from mribench.statistics.signed_rank import signed_rank


def normal_sample(effect, number=400):
    """Differences whose mean is exactly `effect` standard deviations."""
    values = np.random.default_rng(0).normal(size=number)
    return (values - values.mean()) / values.std(ddof=1) + effect


@pytest.mark.parametrize("effect", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 45])
def test_the_t_tests_number_is_statsmodels(effect, alpha):
    expected = np.ceil(TTestPower().solve_power(effect_size=effect, alpha=alpha, power=0.8))
    assert subjects_needed(normal_sample(effect), "t_test", alpha) == expected


def test_an_effect_of_one_half_needs_34_subjects():
    # G*Power 3.1 and pingouin 0.7.0: 33.4, so 34, at level 0.05 and power 0.8.
    assert subjects_needed(normal_sample(0.5), "t_test", 0.05) == 34


@pytest.mark.slow
@pytest.mark.parametrize("test", ["wilcoxon", "t_test", "permutation"])
@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_that_many_subjects_separate_the_two_in_four_of_five_studies(test, kind):
    random = np.random.default_rng(1)
    if kind == "normal":
        population = random.normal(0.55, 1, 100_000)
    else:
        population = random.gamma(2, 1, 100_000) - 1.1
    number = subjects_needed(population[:3000], test, 0.05)
    trials = 1000
    run = PAIRED_TESTS[test].run
    hits = sum(run(random.choice(population, number)).p <= 0.05 for _ in range(trials))
    # Four standard errors of 1000 trials below; skewed differences need fewer than the formulas
    # say.
    assert 0.75 <= hits / trials <= 0.93


def test_no_number_is_less_than_the_level_takes():
    assert subjects_needed(np.full(9, 0.3), "wilcoxon", 0.05) >= 6
    assert least_subjects(np.array([1.0, 0, 2, 0]), 0.05) == 12
    assert signed_rank(np.ones(6)).p <= 0.05 < signed_rank(np.ones(5)).p


@pytest.mark.parametrize(
    ("values", "test"),
    [
        ([], "wilcoxon"),
        ([0.2], "wilcoxon"),
        ([0.0, 0.0, 0.0], "t_test"),
        ([1.0, -1.0, 1.0, -1.0], "wilcoxon"),
        ([1.0, -1.0, 1.0, -1.0], "permutation"),
        ([0.3, 0.3, 0.3], "t_test"),
    ],
)
def test_differences_that_point_nowhere_have_no_number(values, test):
    assert subjects_needed(np.array(values), test, 0.05) is None


def test_a_stricter_level_and_a_smaller_effect_need_more():
    for test in PAIRED_TESTS:
        numbers = [subjects_needed(normal_sample(e), test, 0.05) for e in (1.0, 0.5, 0.25)]
        assert numbers == sorted(numbers)
        assert subjects_needed(normal_sample(0.5), test, 0.001) > numbers[1]
