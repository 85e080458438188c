"""How far the scores spread between cases, folds and trainings."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from mribench.rounding import significant
from mribench.statistics.tidy import Scores

VARIANCE_COLUMNS = (
    "metric",
    "label",
    "preset",
    "method",
    "cases",
    "folds",
    "seeds",
    "left_out",
    "case_sd",
    "fold_sd",
    "training_sd",
    "residual_sd",
    "note",
)
ONE_CASE = "one case per fold: the spread over folds is in that over cases"
ONE_SEED = "one seed: the spread over trainings is in that over folds, the residual in the cases"


def spread_of_methods(scores: Scores) -> list[dict[str, Any]]:
    """Part the variance of each method's scores into cases, folds and trainings.

    The model is score = mean + fold + case in fold + training in fold + residual, all but
    the mean random: a case is tested in one fold, and a fold is trained once per seed. The
    components are those of the analysis of variance (Searle, Casella and McCulloch, 1992,
    chapters 4 and 5), negative ones set to 0.

    Returns
    -------
    Rows of ``variance.csv``: standard deviations in the unit of the metric. Cases that lack
    a value in some seed are left out and counted. What the study cannot tell apart is None
    and explained.
    """
    return [{**scores.keys, **_spread(scores, method)} for method in scores.methods]


def _spread(scores: Scores, method: str) -> dict[str, Any]:
    rows = scores.rows[scores.rows["method"] == method]
    table = rows.pivot(index=["fold", "case"], columns="seed", values="value")
    complete = table.dropna()
    row: dict[str, Any] = dict.fromkeys(VARIANCE_COLUMNS[3:])
    row |= {"method": method, "cases": len(complete), "left_out": len(table) - len(complete)}
    row |= {"folds": complete.index.get_level_values("fold").nunique(), "seeds": table.shape[1]}
    row["note"] = ""
    if len(complete) < 2:
        return row | {"note": "fewer than two cases with a value in every seed"}
    folds = complete.index.get_level_values("fold").to_numpy()
    found, row["note"] = components(complete.to_numpy(), folds)
    deviations = {
        f"{name}_sd": None if value is None else significant(np.sqrt(max(value, 0.0)))
        for name, value in found.items()
    }
    return row | deviations


def components(values: np.ndarray, folds: np.ndarray) -> tuple[dict[str, float | None], str]:
    """Return the variance components ``case``, ``fold``, ``training`` and ``residual``.

    Parameters
    ----------
    values
        Scores of cases x seeds, none missing, at least two cases.
    folds
        The fold of each case.

    Returns
    -------
    Estimates, which may be negative, None where they cannot be told apart; and a note.
    """
    names, codes = np.unique(folds, return_inverse=True)
    note = ""
    if len(names) == len(values) > 1:
        names, codes, note = names[:1], np.zeros(len(values), int), ONE_CASE
    sizes = np.bincount(codes).astype(float)
    by_fold = np.stack([np.bincount(codes, column) / sizes for column in values.T], axis=1)
    mean_case, mean_fold = values.mean(axis=1), by_fold.mean(axis=1)
    seeds, number = values.shape[1], len(values)
    fold_size = (number - (sizes**2).sum() / number) / max(len(names) - 1, 1)
    case = _mean_square(seeds * (mean_case - mean_fold[codes]) ** 2, number - len(names))
    fold = _mean_square(seeds * sizes * (mean_fold - values.mean()) ** 2, len(names) - 1)
    if seeds == 1:
        found = {"case": case, "fold": _less(fold, case, fold_size), "training": None}
        return {**found, "residual": None}, "; ".join(filter(None, (note, ONE_SEED)))
    training = _mean_square(
        sizes[:, None] * (by_fold - mean_fold[:, None]) ** 2, len(names) * (seeds - 1)
    )
    rest = values - mean_case[:, None] - by_fold[codes] + mean_fold[codes][:, None]
    residual = _mean_square(rest**2, (number - len(names)) * (seeds - 1))
    between = _less(training, residual, sizes.mean())
    # A fold's mean square holds the trainings as often as a fold has cases.
    nested = None if case is None or between is None else case + fold_size * between
    found = {"case": _less(case, residual, seeds), "fold": _less(fold, nested, seeds * fold_size)}
    return {**found, "training": None if note else between, "residual": residual}, note


def _mean_square(squares: np.ndarray, freedom: int) -> float | None:
    return float(squares.sum() / freedom) if freedom else None


def _less(larger: float | None, smaller: float | None, times: float) -> float | None:
    return None if larger is None or smaller is None else (larger - smaller) / times


def variance(all_scores: Iterable[Scores]) -> list[dict[str, Any]]:
    """Return the rows of ``variance.csv`` for all metrics and labels."""
    return [row for scores in all_scores for row in spread_of_methods(scores)]
