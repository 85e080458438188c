"""How firmly the methods hold their ranks."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mribench.config import Evaluation
from mribench.rounding import significant
from mribench.statistics.bootstrap import cluster_draws
from mribench.statistics.schemes import SCHEMES, mean_ranks, mean_scores, place, wins
from mribench.statistics.tidy import Scores

DRAWS = 1000
STABILITY_COLUMNS = (
    "metric",
    "label",
    "preset",
    "scheme",
    "method",
    "score",
    "rank",
    "draw_mean_rank",
    "draw_rank_low",
    "draw_rank_high",
    "draw_first",
    "kendall_tau",
    "draws",
)
DRAW_COLUMNS = ("metric", "label", "preset", "scheme", "method", "rank", "share")


def kendall_tau(ranks: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return Kendall's tau-b between rows of ranks and a reference; NaN where one is all ties.

    Parameters
    ----------
    ranks
        Rankings x methods.
    reference
        One rank per method.
    """
    first, second = np.triu_indices(len(reference), 1)
    signs = np.sign(ranks[:, first] - ranks[:, second])
    expected = np.sign(reference[first] - reference[second])
    with np.errstate(invalid="ignore"):
        tau: np.ndarray = (signs @ expected) / np.sqrt(
            np.abs(signs).sum(axis=1) * np.abs(expected).sum()
        )
    return tau


def rank_schemes(
    scores: Scores, evaluation: Evaluation, comparisons: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rank the methods in three ways, and again on 1000 bootstrap draws of the subjects.

    Parameters
    ----------
    scores
        All scores of a metric and label.
    evaluation
        Test, correction and level.
    comparisons
        Rows of ``comparisons.csv`` of the same metric and label: test-then-rank counts the
        pairs that a method wins there.

    Returns
    -------
    Rows of ``rank_schemes.csv`` and of ``rank_draws.csv``. `score` is the mean, the mean
    rank over the cases, or the number of methods beaten significantly; `draw_first` the
    share of the draws that rank the method first (ties included), `kendall_tau` the mean
    over the draws of tau-b with the study's own ranking. A method without any value is
    last. With one subject there are no draws.
    """
    subjects = scores.subjects.nunique()
    whole = np.ones((1, subjects))
    draws = cluster_draws(subjects, DRAWS) if subjects > 1 else whole[:0]
    found = _scheme_scores(scores, whole, evaluation)
    found["test_then_rank"][0] = _study_wins(scores.methods, comparisons)
    drawn = _scheme_scores(scores, draws, evaluation)
    summary, shares = [], []
    for scheme in SCHEMES:
        directed = _direction(scheme, scores.metric.better)
        rank = place(_last(found[scheme] * directed))[0]
        ranks = place(_last(drawn[scheme] * directed))
        keys = {**scores.keys, "scheme": scheme}
        summary += _summary(keys, scores.methods, found[scheme][0], rank, ranks)
        shares += _shares(keys, scores.methods, ranks)
    return summary, shares


def _scheme_scores(
    scores: Scores, weights: np.ndarray, evaluation: Evaluation
) -> dict[str, np.ndarray]:
    return {
        "aggregate_then_rank": mean_scores(scores, weights),
        "rank_then_aggregate": mean_ranks(scores, weights),
        "test_then_rank": wins(scores, weights, evaluation),
    }


def _direction(scheme: str, better: str) -> int:
    lower = scheme == "rank_then_aggregate" or (
        scheme == "aggregate_then_rank" and better == "lower"
    )
    return -1 if lower else 1


def _last(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), -np.inf, values)


def _study_wins(methods: Sequence[str], comparisons: Sequence[dict[str, Any]]) -> np.ndarray:
    won = [row["better"] for row in comparisons if row["significant"] == "true"]
    return np.array([won.count(method) for method in methods], float)


def _summary(
    keys: dict[str, str],
    methods: Sequence[str],
    values: np.ndarray,
    rank: np.ndarray,
    ranks: np.ndarray,
) -> list[dict[str, Any]]:
    tau = kendall_tau(ranks, rank)
    tau = tau[np.isfinite(tau)]
    rows = []
    for place_, method in enumerate(methods):
        row: dict[str, Any] = {**dict.fromkeys(STABILITY_COLUMNS), **keys, "method": method}
        row |= {"rank": int(rank[place_]), "draws": len(ranks)}
        row["score"] = significant(values[place_]) if np.isfinite(values[place_]) else None
        if len(ranks):
            column = ranks[:, place_]
            low, high = np.percentile(column, [2.5, 97.5], method="inverted_cdf")
            row |= {"draw_mean_rank": significant(column.mean())}
            row |= {"draw_rank_low": int(low), "draw_rank_high": int(high)}
            row["draw_first"] = significant(np.mean(column == 1))
            row["kendall_tau"] = significant(tau.mean()) if len(tau) else None
        rows.append(row)
    return rows


def _shares(
    keys: dict[str, str], methods: Sequence[str], ranks: np.ndarray
) -> list[dict[str, Any]]:
    return [
        {**keys, "method": method, "rank": rank, "share": significant(np.mean(column == rank))}
        for method, column in zip(methods, ranks.T, strict=True)
        for rank in range(1, len(methods) + 1)
        if len(ranks)
    ]


def stability(
    all_scores: Iterable[Scores], evaluation: Evaluation, comparisons: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of ``rank_schemes.csv`` and ``rank_draws.csv`` for all metrics and labels."""
    summary, shares = [], []
    for scores in all_scores:
        same = [row for row in comparisons if scores.keys.items() <= row.items()]
        found = rank_schemes(scores, evaluation, same)
        summary += found[0]
        shares += found[1]
    return summary, shares
