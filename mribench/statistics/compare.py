"""Comparing all pairs of methods on the same cases."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from mribench.config import Evaluation
from mribench.rounding import significant
from mribench.statistics.bootstrap import bootstrap_interval
from mribench.statistics.paired_tests import PAIRED_TESTS
from mribench.statistics.power import subjects_needed
from mribench.statistics.signed_rank import rank_biserial
from mribench.statistics.tidy import Scores

COMPARISON_COLUMNS = (
    "metric",
    "label",
    "preset",
    "first",
    "second",
    "n",
    "undefined",
    "mean_difference",
    "ci_low",
    "ci_high",
    "rank_biserial",
    "test",
    "form",
    "statistic",
    "p",
    "p_adjusted",
    "significant",
    "better",
    "subjects_needed",
    "note",
)
DECIMALS = 10
TOO_FEW = "too few cases"


def compare_methods(scores: Scores, evaluation: Evaluation) -> list[dict[str, Any]]:
    """Compare every pair of methods under one metric and label.

    A case's value is its mean over the seeds; with several sessions a subject's
    difference is the mean over its sessions, so that n counts subjects. Cases that are
    undefined for one of the two are left out and counted. Differences are first minus
    second.

    Parameters
    ----------
    scores
        All scores of the metric and label.
    evaluation
        Test, correction, level and interval. The correction counts the pairs that were
        tested.

    Returns
    -------
    Rows of ``comparisons.csv``; a pair that cannot be tested has no p value and says why.
    """
    pairs = list(combinations(scores.methods, 2))
    rows = [_compare(scores, pair, evaluation, len(pairs)) for pair in pairs]
    tested = [row for row in rows if row["p"] is not None]
    if tested:
        values = [row["p"] for row in tested]
        rejected, adjusted, *_ = multipletests(
            values, alpha=evaluation.alpha, method=evaluation.correction
        )
        for row, reject, value in zip(tested, rejected, adjusted, strict=True):
            row["p_adjusted"] = significant(value)
            row["significant"] = "true" if reject else "false"
            row["note"] = _warning(row["nonzero"], len(tested), evaluation)
    return [{key: row[key] for key in COMPARISON_COLUMNS} for row in rows]


def _compare(
    scores: Scores, pair: Sequence[str], evaluation: Evaluation, pairs: int
) -> dict[str, Any]:
    both = scores.cases[list(pair)]
    defined = both.dropna()
    differences = paired_differences(scores, pair)
    values = differences.to_numpy()
    test = PAIRED_TESTS[evaluation.test]
    obstacle = test.obstacle(values, evaluation.alpha)
    row: dict[str, Any] = dict.fromkeys(COMPARISON_COLUMNS)
    row |= scores.keys | {"first": pair[0], "second": pair[1], "test": evaluation.test}
    row |= {"n": len(values), "undefined": len(both) - len(defined)}
    row |= _difference(differences, pair, scores.metric.better, evaluation)
    row |= {
        "nonzero": int(np.count_nonzero(values)),
        "subjects_needed": subjects_needed(values, evaluation.test, evaluation.alpha / pairs),
        "note": f"not testable: {obstacle}" if obstacle else "",
    }
    if not obstacle:
        found = test.run(values)
        row |= {"statistic": significant(found.statistic), "p": significant(found.p)}
        row["form"] = found.form
    return row


def paired_differences(scores: Scores, pair: Sequence[str]) -> pd.Series:
    """Return first minus second per subject, over the cases that both define."""
    defined = scores.cases[list(pair)].dropna()
    means = (defined[pair[0]] - defined[pair[1]]).groupby(scores.subjects).mean().dropna()
    # Equal values may differ in their last bits after averaging; that is no difference.
    return means.round(DECIMALS)


def _difference(
    differences: pd.Series, pair: Sequence[str], better: str, evaluation: Evaluation
) -> dict[str, Any]:
    if not len(differences):
        return {}
    values = differences.to_numpy()
    mean = significant(float(values.mean()))
    subjects = differences.index.to_numpy()
    low, high = bootstrap_interval(values, subjects, evaluation.interval) or (None, None)
    first_wins = (mean > 0) == (better == "higher")
    effect = rank_biserial(values) if values.any() else None
    return {
        "mean_difference": mean,
        "ci_low": None if low is None else significant(low),
        "ci_high": None if high is None else significant(high),
        "rank_biserial": None if effect is None else significant(effect),
        "better": None if mean == 0 else pair[0] if first_wins else pair[1],
    }


def _warning(nonzero: int, pairs: int, evaluation: Evaluation) -> str:
    smallest = PAIRED_TESTS[evaluation.test].smallest(nonzero)
    if smallest * pairs <= evaluation.alpha:
        return ""
    return (
        f"{TOO_FEW}: with {nonzero} non-zero differences the smallest possible p "
        f"is {smallest:.3g}, times {pairs} pairs {smallest * pairs:.3g}"
    )


def comparisons(all_scores: Iterable[Scores], evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the rows of ``comparisons.csv`` for all metrics and labels."""
    return [row for scores in all_scores for row in compare_methods(scores, evaluation)]
