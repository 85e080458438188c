"""Means, their uncertainty, and the order of the methods."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from mribench.rounding import significant
from mribench.statistics.bootstrap import Interval, bootstrap_interval
from mribench.statistics.tidy import Scores

RANKING_COLUMNS = (
    "metric",
    "label",
    "preset",
    "method",
    "n",
    "undefined",
    "mean",
    "sd",
    "ci_low",
    "ci_high",
    "seeds",
    "seed_sd",
    "rank",
    "note",
)


def rank_methods(scores: Scores, interval: Interval = "percentile") -> list[dict[str, Any]]:
    """Summarise each method under one metric and label, and rank the means.

    Parameters
    ----------
    scores
        All scores of the metric and label.
    interval
        Kind of the bootstrap interval.

    Returns
    -------
    Rows of ``ranking.csv`` in the order of the methods: mean and standard deviation
    over the cases (a case's value is its mean over the seeds), the 95 % bootstrap
    interval of the mean with subjects drawn whole, the standard deviation over seeds of
    the mean over cases, the number of cases that entered and of those undefined in all
    seeds. Equal means share the better rank; a method without any value has none.
    """
    rows = [{**scores.keys, **_summarise(scores, method, interval)} for method in scores.methods]
    means = pd.Series([row["mean"] for row in rows], dtype=float)
    ranks = means.rank(method="min", ascending=scores.metric.better == "lower")
    for row, rank in zip(rows, ranks, strict=True):
        row["rank"] = None if np.isnan(rank) else int(rank)
    return rows


def _summarise(scores: Scores, method: str, kind: Interval) -> dict[str, Any]:
    values = scores.cases[method].dropna()
    row: dict[str, Any] = dict.fromkeys(RANKING_COLUMNS[3:])
    row |= {"method": method, "n": len(values), "undefined": len(scores.cases) - len(values)}
    row |= {"note": describe_empty(scores, method), **_seed_spread(scores, method)}
    if len(values):
        numbers = values.to_numpy()
        row["mean"] = significant(numbers.mean())
        row["sd"] = significant(numbers.std(ddof=1)) if len(numbers) > 1 else None
        interval = bootstrap_interval(numbers, scores.subjects[values.index].to_numpy(), kind)
        if interval:
            row["ci_low"], row["ci_high"] = map(significant, interval)
    return row


def _seed_spread(scores: Scores, method: str) -> dict[str, Any]:
    rows = scores.rows[scores.rows["method"] == method]
    means = rows.groupby("seed")["value"].mean().dropna()
    spread = significant(float(means.std(ddof=1))) if len(means) > 1 else None
    return {"seeds": rows["seed"].nunique(), "seed_sd": spread}


def describe_empty(scores: Scores, method: str) -> str:
    """Say how many cases are undefined, and how many got their value by the preset's rule."""
    several = scores.rows["seed"].nunique() > 1
    parts = [
        (
            "undefined in some seed" if several else "undefined",
            scores.reasons(method, undefined=True),
        ),
        ("by rule", scores.reasons(method, undefined=False)),
        ("not scored", scores.absences(method)),
    ]
    return "; ".join(f"{name}: {_count(reasons)}" for name, reasons in parts if reasons)


def _count(reasons: Counter[str]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))


def ranking(
    all_scores: Iterable[Scores], interval: Interval = "percentile"
) -> list[dict[str, Any]]:
    """Return the rows of ``ranking.csv`` for all metrics and labels."""
    return [row for scores in all_scores for row in rank_methods(scores, interval)]
