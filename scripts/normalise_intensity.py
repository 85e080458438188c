"""Normalise the intensities of a case inside the brain; outside becomes 0.

Writes one image per contrast with a JSON sidecar. The spec holds the settings
``intensity``.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.config import read_intensity
from mribench.preprocessing.normalise_intensity import normalise_case

OUTPUTS = ("outputs",)


def main(arguments: argparse.Namespace) -> None:
    """Write the normalised images."""
    settings = read_intensity(provenance.read_spec(arguments.spec).get("intensity"))
    images, outputs = arguments.images, arguments.outputs
    normalise_case(images, arguments.mask, arguments.tissues, outputs, settings)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--images", type=Path, nargs="+", required=True, help="resampled images")
    made.add_argument("--mask", type=Path, required=True, help="brain mask on the same grid")
    made.add_argument("--tissues", type=Path, required=True, help="tissue labels on the same grid")
    made.add_argument("--outputs", type=Path, nargs="+", required=True, help="images to write")
    command.run(failures.tolerant(main, "normalise_intensity", OUTPUTS), made)
