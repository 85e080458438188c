"""Rank the methods of a study and compare every pair on the same cases.

Paired tests with correction for the number of pairs, effect sizes and bootstrap intervals;
a pair that too few cases separate is called not testable. Rankings in three ways with their
stability, the spread over cases, folds and trainings, and the same within sites, lesion
loads and resolutions.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
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


def main(arguments: argparse.Namespace) -> None:
    """Write ranking.csv from metrics.csv, and the other tables of statistics beside it."""
    evaluation = Evaluation.model_validate(provenance.read_spec(arguments.spec))
    metrics = read_metrics(arguments.metrics)
    scores = list(scores_of(metrics))
    strata = find_strata(metrics, read_table(arguments.scans))
    pairs = comparisons(scores, evaluation)
    schemes, draws = stability(scores, evaluation, pairs)
    parts, part_pairs = compare_strata(scores, strata, evaluation)
    if "resolution" in strata:
        splits = read_table(arguments.scans.parent / "splits.tsv")
        trained = compare_training_sets(metrics, splits, strata["resolution"], evaluation)
        parts, part_pairs = parts + trained[0], part_pairs + trained[1]
    folder = arguments.ranking.parent
    write_tidy(arguments.ranking, ranking(scores, evaluation.interval), RANKING_COLUMNS)
    write_tidy(folder / "comparisons.csv", pairs, COMPARISON_COLUMNS)
    write_tidy(folder / "rank_schemes.csv", schemes, STABILITY_COLUMNS)
    write_tidy(folder / "rank_draws.csv", draws, DRAW_COLUMNS)
    write_tidy(folder / "variance.csv", variance(scores), VARIANCE_COLUMNS)
    write_tidy(folder / "strata.csv", parts, STRATA_COLUMNS)
    write_tidy(folder / "strata_comparisons.csv", part_pairs, STRATA_COMPARISON_COLUMNS)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--metrics", type=Path, required=True, help="metrics.csv of the study")
    made.add_argument(
        "--scans",
        type=Path,
        required=True,
        help="scans.tsv of the study, with splits.tsv beside it",
    )
    made.add_argument(
        "--ranking", type=Path, required=True, help="ranking.csv to write, the others beside it"
    )
    command.run(main, made)
