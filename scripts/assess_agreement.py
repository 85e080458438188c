"""Compare predicted with true volumes over the cases, and count the lesions found by size.

agreement.csv holds Pearson's correlation, the intraclass correlation, and bias and limits of
agreement after Bland and Altman; detection.csv the lesions of each size.
"""

import argparse
from pathlib import Path

from mribench import command
from mribench.statistics.agreement import write_agreement, write_detection


def main(arguments: argparse.Namespace) -> None:
    """Write agreement.csv and detection.csv."""
    write_agreement(arguments.volumes, arguments.agreement)
    write_detection(arguments.lesion_sizes, arguments.detection)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--volumes", type=Path, required=True, help="volumes.csv of the study")
    made.add_argument("--lesion-sizes", type=Path, required=True, help="lesion_sizes.csv")
    made.add_argument("--agreement", type=Path, required=True, help="table to write: volumes")
    made.add_argument("--detection", type=Path, required=True, help="table to write: lesions")
    command.run(main, made)
