"""Pack the preprocessed cases of a variant into arrays that training maps into memory.

Writes one image, label and mask array per case, and last the manifest with checksums. Cases
whose preprocessing failed are left out and named in the manifest.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.config import Dataset
from mribench.dataset.folders import dataset_root
from mribench.dataset.index import read_scans
from mribench.training.pack import Preprocessed, find_failures, pack_case
from mribench.training.store import write_manifest


def main(arguments: argparse.Namespace) -> None:
    """Write the arrays and manifest.json."""
    settings = provenance.read_spec(arguments.spec)
    study = arguments.output.parents[2]
    source = Preprocessed(folder=study, **settings["source"])
    root = dataset_root(Dataset.model_validate(settings["dataset"]), study)
    rows_of: dict[str, list[dict[str, str]]] = {}
    for row in read_scans(arguments.scans):
        rows_of.setdefault(row["case"], []).append(row)
    contrasts, classes = settings["contrasts"], settings["classes"]
    failed = find_failures(source, sorted(rows_of), contrasts)
    cases = {
        case: pack_case(arguments.output.parent, source, root, rows, contrasts)
        for case, rows in sorted(rows_of.items())
        if case not in failed
    }
    variant, preprocessing = settings["variant"], settings["preprocessing"]
    write_manifest(arguments.output, variant, contrasts, classes, cases, preprocessing, failed)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--scans", type=Path, required=True, help="table of the images")
    made.add_argument(
        "--output",
        type=Path,
        required=True,
        help="manifest.json to write, in <study>/store/<variant>",
    )
    command.run(main, made)
