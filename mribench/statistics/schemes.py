"""Three ways to rank methods, each for many weightings of the subjects at once.

A weighting says how often each subject counts: once each for the study itself, a
bootstrap draw for its stability (as in Wiesenfarth et al., Sci Rep 11, 2021).
"""

from itertools import combinations

import numpy as np
from scipy import stats

from mribench.config import Evaluation
from mribench.statistics.compare import paired_differences
from mribench.statistics.tidy import Scores

SCHEMES = ("aggregate_then_rank", "rank_then_aggregate", "test_then_rank")
DECIMALS = 9
AT_ONCE = 50


def place(scores: np.ndarray) -> np.ndarray:
    """Return ranks along the last axis, 1 for the highest; equal scores share the better one."""
    ranks: np.ndarray = stats.rankdata(-scores.round(DECIMALS), method="min", axis=-1)
    return ranks


def subject_sums(scores: Scores, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sums and numbers of defined values per subject and method.

    Parameters
    ----------
    scores
        Gives the subject of each case.
    values
        Cases x methods, NaN where undefined.
    """
    names, codes = np.unique(scores.subjects.to_numpy(), return_inverse=True)
    sums, counts = np.zeros((2, len(names), values.shape[1]))
    np.add.at(sums, codes, np.nan_to_num(values))
    np.add.at(counts, codes, np.isfinite(values))
    return sums, counts


def weighted_means(scores: Scores, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean of each method's defined values (weightings x methods), NaN for none."""
    sums, counts = subject_sums(scores, values)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: np.ndarray = (weights @ sums) / (weights @ counts)
    return means


def mean_scores(scores: Scores, weights: np.ndarray) -> np.ndarray:
    """Return the means that aggregate-then-rank compares (weightings x methods).

    Parameters
    ----------
    scores
        All scores of a metric and label.
    weights
        Weightings x subjects, subjects sorted.
    """
    return weighted_means(scores, scores.cases.to_numpy(float), weights)


def mean_ranks(scores: Scores, weights: np.ndarray) -> np.ndarray:
    """Return the mean over the cases of a method's rank in each case (weightings x methods).

    Equal values share the mean rank. A case that is undefined for a method but not for all
    ranks it last; one undefined for all does not count.
    """
    values = scores.cases.to_numpy(float) * (1 if scores.metric.better == "higher" else -1)
    ranks = stats.rankdata(np.where(np.isnan(values), np.inf, -values.round(DECIMALS)), axis=1)
    ranks[np.isnan(values).all(axis=1)] = np.nan
    return weighted_means(scores, ranks, weights)


def wins(scores: Scores, weights: np.ndarray, evaluation: Evaluation) -> np.ndarray:
    """Return how many others each method beats significantly (weightings x methods).

    The tests take their large-sample form, since a draw has ties by its nature: the normal
    approximation of Wilcoxon's test with correction for ties, and Student's t for the
    others. Corrected like the study's own, over the pairs with any difference.
    """
    methods = scores.methods
    pairs = list(combinations(range(len(methods)), 2))
    names = np.unique(scores.subjects.to_numpy())
    better = 1 if scores.metric.better == "higher" else -1
    p, lead = np.full((2, len(weights), len(pairs)), np.nan)
    for column, (first, second) in enumerate(pairs):
        found = paired_differences(scores, [methods[first], methods[second]])
        differences = found.to_numpy() * better
        chosen = weights if len(found) == len(names) else weights[:, np.isin(names, found.index)]
        if differences.any():
            test = weighted_wilcoxon if evaluation.test == "wilcoxon" else weighted_t
            p[:, column], lead[:, column] = test(differences, chosen)
    significant = corrected(p, evaluation.correction) < evaluation.alpha
    counts = np.zeros((len(weights), len(methods)))
    for column, (first, second) in enumerate(pairs):
        counts[:, first] += significant[:, column] & (lead[:, column] > 0)
        counts[:, second] += significant[:, column] & (lead[:, column] < 0)
    return counts


def weighted_wilcoxon(
    differences: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return p and the direction of Wilcoxon's test for each weighting.

    Parameters
    ----------
    differences
        One per subject.
    weights
        Weightings x subjects: how often each difference occurs.
    """
    order = np.argsort(np.abs(differences), kind="stable")
    order = order[differences[order] != 0]
    starts = np.unique(np.abs(differences[order]), return_index=True)[1]
    positive = differences[order] > 0
    # A few weightings at a time stay in the processor's cache.
    parts = [
        signed_ranks(weights[place : place + AT_ONCE, order], positive, starts)
        for place in range(0, len(weights), AT_ONCE)
    ]
    distance, variance = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, distance / np.sqrt(variance), 0.0)
    return 2 * stats.norm.sf(np.abs(z)), distance


def signed_ranks(
    weights: np.ndarray, positive: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far the positive rank sum lies above its mean, and the variance of that sum.

    Parameters
    ----------
    weights
        Weightings x differences, sorted by size, none 0.
    positive
        Which differences are positive.
    starts
        Where each size begins.
    """
    shares, up = weights, weights * positive
    if len(starts) < len(positive):
        shares, up = (np.add.reduceat(part, starts, axis=1) for part in (shares, up))
    # Equal sizes share the mean of their places; draws of one subject are equal too.
    ranks = np.cumsum(shares, axis=1) - (shares - 1) / 2
    number = shares.sum(axis=1)
    mean = number * (number + 1) / 4
    ties = (shares * (shares * shares - 1)).sum(axis=1)
    variance = mean * (2 * number + 1) / 6 - ties / 48
    return (up * ranks).sum(axis=1) - mean, variance


def weighted_t(differences: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return p and the direction of the paired t-test for each weighting."""
    number = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = weights @ differences / number
        squares = weights @ differences**2 - number * mean**2
        error = np.sqrt(np.maximum(squares, 0) / (number - 1) / number)
        t = np.where(error > 1e-12, mean / error, 0.0)
    return 2 * stats.t.sf(np.abs(t), np.maximum(number - 1, 1)), mean


def corrected(p: np.ndarray, correction: str) -> np.ndarray:
    """Return p values (weightings x pairs) after Holm's or Bonferroni's correction.

    NaN stands for a pair without test; it stays and does not count.
    """
    tested = np.isfinite(p).all(axis=0)
    values = p[:, tested]
    number = values.shape[1]
    adjusted = values * number
    if correction == "holm" and number:
        order = np.argsort(values, axis=1)
        stepped = np.take_along_axis(values, order, axis=1) * np.arange(number, 0, -1)
        highest = np.maximum.accumulate(stepped, axis=1)
        np.put_along_axis(adjusted, order, highest, axis=1)
    result = np.full_like(p, np.nan)
    result[:, tested] = np.minimum(adjusted, 1)
    return result
