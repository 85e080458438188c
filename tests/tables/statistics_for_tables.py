"""Ranking and comparisons of a small study, as the scripts write them."""

from pathlib import Path

import numpy as np

from mribench.config import Evaluation
from mribench.files import read_table
from mribench.metrics.columns import METRIC_COLUMNS
from mribench.statistics.compare import COMPARISON_COLUMNS, comparisons
from mribench.statistics.formats import write_tidy
from mribench.statistics.ranking import RANKING_COLUMNS, ranking
from mribench.statistics.tidy import read_metrics, scores_of


def study_rows(folder: Path, seeds: int = 1, undefined: int = 0):
    """Return the rows of ranking.csv and comparisons.csv of three methods and 12 cases.

    Method c is clearly worse in Dice; its HD95 is defined in 4 cases only.
    """
    random = np.random.default_rng(0)
    offsets = {"dice": {"a": 0.0, "b": 0.001, "c": -0.2}, "hd95": {"a": 0.0, "b": 1.0, "c": 5.0}}
    rows = []
    for metric, shifts in offsets.items():
        base = random.normal(0.7, 0.05, 12) if metric == "dice" else random.uniform(4, 9, 12)
        for method, shift in shifts.items():
            noise = random.normal(0, 0.01, 12) if metric == "dice" else np.zeros(12)
            if metric == "hd95" and method == "a":
                noise = random.normal(0, 0.01, 12)
            for seed in range(seeds):
                for case in range(12):
                    lost = metric == "hd95" and case < {"a": undefined, "b": 0, "c": 8}[method]
                    value = base[case] + shift + noise[case] + 0.003 * seed
                    row = dict.fromkeys(METRIC_COLUMNS, "x")
                    row |= {"method": method, "metric": metric, "seed": seed, "fold": 0}
                    row |= {"case": f"sub-{case}", "subject": f"sub-{case}", "label": "lesion"}
                    row |= {"preset": "wmh2017", "value": None if lost else round(value, 6)}
                    rows.append(row | {"note": "prediction empty" if lost else ""})
    write_tidy(folder / "metrics.csv", rows, METRIC_COLUMNS)
    scores = list(scores_of(read_metrics(folder / "metrics.csv")))
    write_tidy(folder / "ranking.csv", ranking(scores), RANKING_COLUMNS)
    pairs = comparisons(scores, Evaluation())
    write_tidy(folder / "comparisons.csv", pairs, COMPARISON_COLUMNS)
    return read_table(folder / "ranking.csv"), read_table(folder / "comparisons.csv")
