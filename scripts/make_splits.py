"""Deal the cases of a data set to training, validation and test.

Subjects stay together, folds are alike in sites and lesion load, and the same seed gives
the same folds.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.config import Split
from mribench.dataset.index import read_scans
from mribench.dataset.splits import SPLIT_COLUMNS, make_splits
from mribench.files import write_table


def main(arguments: argparse.Namespace) -> None:
    """Write splits.tsv from scans.tsv."""
    split = Split.model_validate(provenance.read_spec(arguments.spec))
    write_table(
        arguments.output,
        make_splits(read_scans(arguments.scans), split),
        SPLIT_COLUMNS,
        sealed=True,
    )


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--scans", type=Path, required=True, help="table of the images")
    made.add_argument("--output", type=Path, required=True, help="table to write: the splits")
    command.run(main, made)
