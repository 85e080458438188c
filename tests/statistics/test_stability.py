"""Three rankings and their stability, against slow and plain ways to the same numbers."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from tidy_tables import only, random_values, row, rows_of

from mribench.config import Evaluation
from mribench.statistics.bootstrap import cluster_draws
from mribench.statistics.compare import compare_methods
from mribench.statistics.schemes import corrected, weighted_t, weighted_wilcoxon
from mribench.statistics.stability import (
    DRAW_COLUMNS,
    STABILITY_COLUMNS,
    kendall_tau,
    rank_schemes,
)

COUNTS = st.lists(st.integers(0, 4), min_size=8, max_size=8).filter(lambda w: sum(map(bool, w)) > 4)


def ranked(folder, rows, **keys):
    scores, evaluation = only(folder, rows), Evaluation(**keys)
    summary, draws = rank_schemes(scores, evaluation, compare_methods(scores, evaluation))
    return {(r["scheme"], r["method"]): r for r in summary}, draws


@given(COUNTS, st.lists(st.integers(-4, 6), min_size=8, max_size=8).filter(any))
def test_weighted_tests_are_scipys_on_the_drawn_sample(counts, differences):
    weights, values = np.array([counts], float), np.array(differences, float)
    sample = np.repeat(values, counts)
    if np.count_nonzero(sample):
        expected = stats.wilcoxon(sample, zero_method="wilcox", method="asymptotic")
        p, lead = weighted_wilcoxon(values, weights)
        assert p[0] == pytest.approx(expected.pvalue)
        ranks = stats.rankdata(np.abs(sample[sample != 0]))
        assert np.sign(lead[0]) == np.sign(np.sum(ranks * np.sign(sample[sample != 0])))
    if np.ptp(sample):
        p, lead = weighted_t(values, weights)
        assert p[0] == pytest.approx(stats.ttest_1samp(sample, 0).pvalue)
        assert lead[0] == pytest.approx(sample.mean())


@pytest.mark.parametrize("correction", ["holm", "bonferroni"])
def test_corrections_are_statsmodels(correction):
    p = np.random.default_rng(0).uniform(0, 0.2, (20, 6))
    p[:, 2] = np.nan
    found = corrected(p, correction)
    tested = [0, 1, 3, 4, 5]
    for values, adjusted in zip(p, found, strict=True):
        expected = multipletests(values[tested], method=correction)[1]
        assert adjusted[tested] == pytest.approx(expected)
        assert np.isnan(adjusted[2])


@given(st.lists(st.integers(1, 4), min_size=4, max_size=4))
def test_tau_is_scipys(ranks):
    reference = np.array([1, 2, 2, 4])
    (found,) = kendall_tau(np.array([ranks]), reference)
    assert found == pytest.approx(stats.kendalltau(ranks, reference).statistic, nan_ok=True)


def test_schemes_can_disagree_as_in_a_textbook(tmp_path):
    # a wins two of three cases narrowly and loses the third: mean and mean rank disagree.
    values = {"a": [0.82, 0.82, 0.1], "b": [0.8, 0.8, 0.8]}
    found, _ = ranked(tmp_path, rows_of(values))
    assert [found["aggregate_then_rank", m]["rank"] for m in "ab"] == [2, 1]
    assert [found["rank_then_aggregate", m]["rank"] for m in "ab"] == [1, 2]
    assert [found["rank_then_aggregate", m]["score"] for m in "ab"] == pytest.approx([4 / 3, 5 / 3])
    # Three cases separate nobody.
    assert [found["test_then_rank", m]["rank"] for m in "ab"] == [1, 1]


def test_the_studys_wins_are_those_of_its_comparisons(tmp_path):
    rows = rows_of(random_values(("a", "b", "c")))
    found, _ = ranked(tmp_path, rows)
    pairs = compare_methods(only(tmp_path, rows), Evaluation())
    won = Counter(pair["better"] for pair in pairs if pair["significant"] == "true")
    assert sum(won.values()) > 0
    assert {m: found["test_then_rank", m]["score"] for m in "abc"} == {m: won[m] for m in "abc"}


@pytest.mark.parametrize("metric", ["dice", "hd95"])
def test_draws_are_those_of_a_plain_loop(tmp_path, metric):
    random = np.random.default_rng(2)
    rows = []
    for subject in range(9):
        for session in range(1 + subject % 2):
            for method, shift in (("a", 0.0), ("b", 0.01), ("c", 0.3)):
                value = None if (subject, method) == (3, "c") else random.normal(1 + shift, 0.1)
                case = f"sub-{subject}_ses-{session}"
                rows.append(row(method, case, value, metric=metric))
    scores = only(tmp_path, rows)
    found, shares = ranked(tmp_path, rows)
    sign = 1 if metric == "dice" else -1
    by_mean, by_rank = Counter(), Counter()
    names = np.unique(scores.subjects)
    for draw in cluster_draws(len(names), 1000):
        times = dict(zip(names, draw.astype(int), strict=True))
        drawn = np.repeat(scores.cases.to_numpy(), [times[s] for s in scores.subjects], axis=0)
        means = np.nanmean(drawn, axis=0)
        by_mean.update([(m, r) for m, r in zip("abc", stats.rankdata(-sign * means), strict=True)])
        worst = np.where(np.isnan(drawn), -np.inf, sign * drawn)
        mean_ranks = stats.rankdata(-worst, axis=1).mean(axis=0).round(9)
        ranks = stats.rankdata(mean_ranks, method="min")
        by_rank.update([(m, r) for m, r in zip("abc", ranks, strict=True)])
    for scheme, counts in (("aggregate_then_rank", by_mean), ("rank_then_aggregate", by_rank)):
        for share in shares:
            if share["scheme"] == scheme:
                assert share["share"] == counts[share["method"], share["rank"]] / 1000
        assert found[scheme, "a"]["draw_first"] == counts["a", 1] / 1000


def test_clear_leads_are_stable_and_equal_methods_are_not(tmp_path):
    random = np.random.default_rng(4)
    clear, _ = ranked(tmp_path, rows_of(random_values(("a", "b", "c"), cases=40)))
    for scheme in ("aggregate_then_rank", "rank_then_aggregate", "test_then_rank"):
        assert [clear[scheme, m]["rank"] for m in "abc"] == [1, 2, 3]
        assert clear[scheme, "a"]["draw_first"] > 0.95
        assert clear[scheme, "a"]["kendall_tau"] > 0.9
    noise = {m: list(random.normal(0.7, 0.1, 40).round(4)) for m in "abc"}
    unclear, shares = ranked(tmp_path, rows_of(noise))
    assert max(unclear["aggregate_then_rank", m]["draw_first"] for m in "abc") < 0.95
    assert unclear["test_then_rank", "a"]["kendall_tau"] is None
    assert tuple(clear["test_then_rank", "a"]) == STABILITY_COLUMNS
    assert all(tuple(share) == DRAW_COLUMNS for share in shares)


def test_one_case_and_one_method(tmp_path):
    found, shares = ranked(tmp_path, rows_of({"a": [0.5], "b": [0.4]}))
    assert (found["aggregate_then_rank", "b"]["rank"], shares) == (2, [])
    assert found["aggregate_then_rank", "b"]["draws"] == 0
    found, _ = ranked(tmp_path, rows_of({"a": [0.5, 0.6]}))
    assert found["test_then_rank", "a"]["rank"] == 1


def test_a_method_without_values_is_last(tmp_path):
    found, _ = ranked(tmp_path, rows_of({"a": [None] * 8, "b": [0.5] * 8}, metric="hd95"))
    assert found["aggregate_then_rank", "a"]["rank"] == 2
    assert found["aggregate_then_rank", "a"]["score"] is None
