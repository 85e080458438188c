"""Write dataset_description.json, which makes a variant's folder a BIDS derivative.

The spec holds ``variants``, all variants of the study, and ``raw``, path or URL of the raw
data set.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.preprocessing.sidecars import describe_derivatives


def main(arguments: argparse.Namespace) -> None:
    """Write the description."""
    settings = provenance.read_spec(arguments.spec)
    variants, raw = settings.get("variants", []), settings.get("raw", "../../dataset/bids")
    describe_derivatives(arguments.output, variants, raw)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--output", type=Path, required=True, help="file to write")
    command.run(main, made)
