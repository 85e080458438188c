"""Put the volumes of all cases of a variant into one table.

Writes volumes.tsv with a JSON sidecar. The spec holds the classes of the
label.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.dataset import index
from mribench.preprocessing.volumes import case_table, collect_volumes


def main(arguments: argparse.Namespace) -> None:
    """Write the table of the study."""
    settings = provenance.read_spec(arguments.spec)
    cases = index.cases(index.read_scans(arguments.scans))
    tables = {case: case_table(arguments.output.parent, case) for case in cases}
    collect_volumes(tables, arguments.output, settings["classes"])


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--scans", type=Path, required=True, help="table of the images")
    made.add_argument(
        "--output", type=Path, required=True, help="table to write, in <study>/preproc/<variant>"
    )
    command.run(main, made)
