"""All tables of statistics of a study, from its scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mribench.config import Evaluation
from mribench.files import read_table
from mribench.statistics.compare import COMPARISON_COLUMNS, comparisons
from mribench.statistics.formats import write_tidy
from mribench.statistics.ranking import RANKING_COLUMNS, ranking
from mribench.statistics.stability import DRAW_COLUMNS, STABILITY_COLUMNS, stability
from mribench.statistics.strata import (
    STRATA_COLUMNS,
    STRATA_COMPARISON_COLUMNS,
    compare_strata,
    compare_training_sets,
    find_strata,
)
from mribench.statistics.tidy import read_metrics, scores_of
from mribench.statistics.variance import VARIANCE_COLUMNS, variance

COLUMNS = {
    "ranking": RANKING_COLUMNS,
    "comparisons": COMPARISON_COLUMNS,
    "rank_schemes": STABILITY_COLUMNS,
    "rank_draws": DRAW_COLUMNS,
    "variance": VARIANCE_COLUMNS,
    "strata": STRATA_COLUMNS,
    "strata_comparisons": STRATA_COMPARISON_COLUMNS,
}
Rows = Sequence[Mapping[str, Any]]


def study_statistics(metrics: Path, scans: Path, evaluation: Evaluation) -> dict[str, Rows]:
    """Rank the methods of a study and compare every pair, also within parts of the cases.

    Parameters
    ----------
    metrics
        ``metrics.csv`` of the study.
    scans
        ``scans.tsv`` of the study, with ``splits.tsv`` beside it.
    evaluation
        Test, correction, level and interval.

    Returns
    -------
    The rows of each table by name, as in :data:`COLUMNS`.

    Raises
    ------
    DataError
        If the scores cannot be read (:func:`mribench.statistics.tidy.read_metrics`).
    """
    table = read_metrics(metrics)
    scores = list(scores_of(table))
    strata = find_strata(table, read_table(scans))
    pairs = comparisons(scores, evaluation)
    schemes, draws = stability(scores, evaluation, pairs)
    parts, part_pairs = compare_strata(scores, strata, evaluation)
    if "resolution" in strata:
        splits = read_table(scans.parent / "splits.tsv")
        trained = compare_training_sets(table, splits, strata["resolution"], evaluation)
        parts, part_pairs = parts + trained[0], part_pairs + trained[1]
    return {
        "ranking": ranking(scores, evaluation.interval),
        "comparisons": pairs,
        "rank_schemes": schemes,
        "rank_draws": draws,
        "variance": variance(scores),
        "strata": parts,
        "strata_comparisons": part_pairs,
    }


def write_statistics(found: Mapping[str, Rows], folder: Path) -> None:
    """Write ``ranking.csv`` and the other tables of :func:`study_statistics` into a folder."""
    for name, rows in found.items():
        write_tidy(folder / f"{name}.csv", rows, COLUMNS[name])
