"""Tidy tables of scores for the tests of statistics and tables."""

from pathlib import Path

import numpy as np

from mribench.metrics.columns import METRIC_COLUMNS
from mribench.statistics.formats import write_tidy
from mribench.statistics.tidy import read_metrics, scores_of


def row(
    method, case, value, *, metric="dice", seed=0, fold=0, subject=None, note="", label="lesion"
):
    """One row of metrics.csv."""
    return {
        "method": method,
        "fold": fold,
        "seed": seed,
        "case": case,
        "subject": subject or case.split("_")[0],
        "site": "siteA",
        "label": label,
        "metric": metric,
        "preset": "wmh2017",
        "value": value,
        "note": note,
    }


def rows_of(values, *, metric="dice", **keys):
    """One row per method and case, from a dictionary of lists."""
    return [
        row(method, f"sub-{place:03d}", value, metric=metric, **keys)
        for method, numbers in values.items()
        for place, value in enumerate(numbers)
    ]


def write_metrics(folder: Path, rows) -> Path:
    """Write metrics.csv."""
    path = folder / "metrics.csv"
    write_tidy(path, rows, METRIC_COLUMNS)
    return path


def only(folder: Path, rows):
    """The scores of the only metric and label in `rows`."""
    (scores,) = scores_of(read_metrics(write_metrics(folder, rows)))
    return scores


def random_values(methods=("a", "b", "c"), cases=12, seed=0):
    """Dice-like values: one list per method, methods worse in their order."""
    random = np.random.default_rng(seed)
    case = random.normal(0.75, 0.1, cases)
    return {
        method: list(np.clip(case - 0.02 * place + random.normal(0, 0.02, cases), 0, 1).round(6))
        for place, method in enumerate(methods)
    }
