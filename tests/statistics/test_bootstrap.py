"""Bootstrap intervals against scipy, theory and their promised coverage."""

import numpy as np
import pytest
from scipy import stats

from mribench.statistics.bootstrap import bootstrap_interval


@pytest.mark.parametrize("kind", ["percentile", "bca"])
@pytest.mark.parametrize("shape", [2, 0.3])
def test_it_is_scipys_interval_up_to_the_draws(kind, shape):
    values = np.random.default_rng(0).gamma(shape, 1, 40)
    found = bootstrap_interval(values, np.arange(40), kind)
    expected = stats.bootstrap((values,), np.mean, n_resamples=20000, method=kind, rng=0)
    assert found == pytest.approx(tuple(expected.confidence_interval), abs=0.025)


def test_the_two_kinds_differ_where_values_are_skewed():
    values = np.random.default_rng(0).gamma(0.3, 1, 40)
    plain, corrected = (bootstrap_interval(values, np.arange(40), k) for k in ("percentile", "bca"))
    assert min(np.subtract(corrected, plain)) > 0.01


def test_darwins_maize_has_the_interval_of_other_programs():
    # Pingouin 0.7.0, 20000 draws: BCa -1.67 to 36.27, percentile 1.60 to 38.00.
    maize = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)
    assert bootstrap_interval(maize, np.arange(15), "bca") == pytest.approx((-1.7, 36.3), abs=2)
    assert bootstrap_interval(maize, np.arange(15)) == pytest.approx((1.6, 38), abs=1)


@pytest.mark.parametrize("kind", ["percentile", "bca"])
def test_equal_values_have_an_interval_without_width(kind):
    assert bootstrap_interval(np.full(9, 0.4), np.arange(9), kind) == pytest.approx((0.4, 0.4))


def test_clusters_are_drawn_whole():
    random = np.random.default_rng(1)
    subjects = np.repeat(np.arange(30), 4)
    # Sessions repeat their subject, so 120 cases say no more than 30 subjects.
    means = random.normal(0, 1, 30)
    for kind in ("percentile", "bca"):
        clustered = bootstrap_interval(np.repeat(means, 4), subjects, kind)
        assert clustered == pytest.approx(bootstrap_interval(means, np.arange(30), kind))


def test_unequal_clusters_keep_their_weight():
    values, subjects = np.array([1.0, 1, 1, 5]), np.array(["a", "a", "a", "b"])
    low, high = bootstrap_interval(values, subjects)
    assert (low, high) == (1, 5)
    low, high = bootstrap_interval(np.array([2.0, 2, 2]), np.array(["a", "b", "b"]))
    assert (low, high) == (2, 2)


def test_one_cluster_has_no_interval():
    assert bootstrap_interval(np.array([1.0, 2]), np.array(["a", "a"])) is None


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(2).normal(size=20)
    first = bootstrap_interval(values, np.arange(20))
    assert first == bootstrap_interval(values, np.arange(20))


def test_intervals_cover_the_true_mean():
    random = np.random.default_rng(3)
    trials = 400
    hits = 0
    for _ in range(trials):
        low, high = bootstrap_interval(random.normal(0.7, 0.1, 50), np.arange(50))
        hits += low <= 0.7 <= high
    # Theory: the percentile interval of 50 normal values covers some 94 %.
    assert 0.91 <= hits / trials <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["percentile", "bca"])
@pytest.mark.parametrize(
    ("draw", "mean", "number", "lowest"),
    [
        # Percentile intervals of few values are too short, as is known: sqrt((n-1)/n) of the
        # width and no t quantile. The bounds say how much, and that more cases mend it.
        (lambda random, n: random.beta(8, 2, n), 0.8, 12, 0.88),
        (lambda random, n: random.beta(8, 2, n), 0.8, 60, 0.92),
        (lambda random, n: random.exponential(1, n), 1.0, 20, 0.87),
        (lambda random, n: random.exponential(1, n), 1.0, 100, 0.915),
    ],
    ids=["dice, 12", "dice, 60", "skewed, 20", "skewed, 100"],
)
def test_coverage_by_simulation(kind, draw, mean, number, lowest):
    random = np.random.default_rng(7)
    trials = 2000
    bounds = [
        bootstrap_interval(draw(random, number), np.arange(number), kind) for _ in range(trials)
    ]
    coverage = np.mean([low <= mean <= high for low, high in bounds])
    assert lowest <= coverage <= 0.965


@pytest.mark.slow
def test_coverage_with_sessions_by_simulation():
    random = np.random.default_rng(8)
    trials, hits, naive = 1000, 0, 0
    for _ in range(trials):
        sessions = random.integers(1, 5, 40)
        subjects = np.repeat(np.arange(40), sessions)
        values = random.normal(0, 1, 40)[subjects] + random.normal(0, 0.3, len(subjects))
        low, high = bootstrap_interval(values, subjects)
        hits += low <= 0 <= high
        low, high = bootstrap_interval(values, np.arange(len(values)))
        naive += low <= 0 <= high
    assert hits / trials >= 0.91
    # Drawn one by one, sessions make the interval far too short.
    assert naive / trials < 0.85
