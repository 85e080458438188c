"""Say where the disk space of a study went, the largest folders first.

``snakemake storage`` does it for the study at hand. The spec holds the study's folder.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.monitoring.storage import describe


def main(arguments: argparse.Namespace) -> None:
    """Print the table."""
    folder = arguments.study or Path(provenance.read_spec(arguments.spec)["study"])
    print("\n".join(describe(folder)))


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--study", type=Path, help="results folder of a study")
    command.run(main, made)
