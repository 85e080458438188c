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
from mribench.statistics.study import study_statistics, write_statistics


def main(arguments: argparse.Namespace) -> None:
    """Write ranking.csv from metrics.csv, and the other tables of statistics beside it."""
    evaluation = Evaluation.model_validate(provenance.read_spec(arguments.spec))
    found = study_statistics(arguments.metrics, arguments.scans, evaluation)
    write_statistics(found, arguments.ranking.parent)


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
