"""Tests, effects, intervals and agreement against pingouin, on random data."""

import numpy as np
import pandas as pd
import pingouin
import pytest

from mribench.statistics.agreement import icc_agreement, pearson
from mribench.statistics.bootstrap import bootstrap_interval
from mribench.statistics.paired_tests import PAIRED_TESTS
from mribench.statistics.power import student
from mribench.statistics.signed_rank import rank_biserial

SEEDS = range(4)


def pair(seed, number=24):
    random = np.random.default_rng(seed)
    first = random.beta(8, 3, number)
    return first, first + random.normal(0.02, 0.05, number)


@pytest.mark.parametrize("seed", SEEDS)
def test_wilcoxon_and_its_effect_are_pingouins(seed):
    first, second = pair(seed)
    theirs = pingouin.wilcoxon(first, second, method="exact").iloc[0]
    ours = PAIRED_TESTS["wilcoxon"].run(first - second)
    assert ours.statistic == pytest.approx(theirs["W_val"])
    assert ours.p == pytest.approx(theirs["p_val"])
    assert rank_biserial(first - second) == pytest.approx(theirs["RBC"])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_paired_t_test_is_pingouins(seed):
    first, second = pair(seed)
    theirs = pingouin.ttest(first, second, paired=True).iloc[0]
    ours = PAIRED_TESTS["t_test"].run(first - second)
    assert (ours.statistic, ours.p) == pytest.approx((theirs["T"], theirs["p_val"]))


@pytest.mark.parametrize("seed", SEEDS)
def test_pearson_and_its_interval_are_pingouins(seed):
    theirs = pingouin.corr(*pair(seed)).iloc[0]
    ours = pearson(*pair(seed))
    assert ours.value == pytest.approx(theirs["r"])
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs["CI95"]), abs=0.006)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_icc_and_its_interval_are_pingouins(seed):
    ratings = np.stack(pair(seed), axis=1)
    table = pd.DataFrame(ratings, columns=["reference", "prediction"])
    long = table.reset_index().melt(id_vars="index")
    found = pingouin.intraclass_corr(long, "index", "variable", "value").set_index("Type")
    theirs = found.filter(regex="^(ICC2|ICC\\(A,1\\))$", axis=0).iloc[0]
    ours = icc_agreement(ratings)
    assert ours.value == pytest.approx(theirs["ICC"])
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs["CI95"]), abs=0.006)


@pytest.mark.parametrize(("kind", "theirs"), [("percentile", "per"), ("bca", "bca")])
def test_bootstrap_intervals_are_pingouins_up_to_the_draws(kind, theirs):
    values = np.random.default_rng(5).gamma(1.0, 1, 30)
    expected = pingouin.compute_bootci(
        values, func="mean", method=theirs, n_boot=20000, seed=1, decimals=6
    )
    ours = bootstrap_interval(values, np.arange(30), kind)
    assert ours == pytest.approx(tuple(expected), abs=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_number_of_subjects_is_pingouins(seed):
    first, second = pair(seed)
    values = first - second
    effect = values.mean() / values.std(ddof=1)
    expected = pingouin.power_ttest(d=abs(effect), power=0.8, alpha=0.05, contrast="paired")
    assert student(values, 0.05) == pytest.approx(expected, rel=1e-3)
