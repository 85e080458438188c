"""Read and check every image and label of a BIDS data set, and list them.

Writes problems.tsv always. If a problem stops the study, all of them are shown, scans.tsv
is not written, and the exit status is 1; with ``on_problem: drop`` the cases in question
are left out of scans.tsv and named. Beside scans.tsv goes a JSON file that says what its
columns mean.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.config import Dataset
from mribench.dataset.folders import dataset_root
from mribench.dataset.index import SCAN_COLUMNS, index_dataset, log_summary
from mribench.dataset.problems import PROBLEM_COLUMNS
from mribench.files import write_json, write_table


def main(arguments: argparse.Namespace) -> None:
    """Write problems.tsv and, if the data set can be used, scans.tsv."""
    settings = provenance.read_spec(arguments.spec)
    if arguments.bids is not None:
        settings = {**settings, "recipe": "bids", "source": str(arguments.bids)}
    dataset = Dataset.model_validate(settings)
    root = dataset_root(dataset, arguments.scans.parent.parent)
    index = index_dataset(root, dataset, arguments.threads)
    rows = (problem._asdict() for problem in index.problems)
    write_table(arguments.problems, rows, PROBLEM_COLUMNS)
    log_summary(index)
    index.require_usable()
    columns = {name: {"Description": text} for name, text in SCAN_COLUMNS.items()}
    write_json(arguments.scans.with_suffix(".json"), columns)
    write_table(arguments.scans, index.scans, tuple(SCAN_COLUMNS), sealed=True)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--bids", type=Path, help="BIDS data set (default: as the spec says)")
    made.add_argument("--scans", type=Path, required=True, help="table to write: the images")
    made.add_argument("--problems", type=Path, required=True, help="table to write: the problems")
    command.run(main, made)
