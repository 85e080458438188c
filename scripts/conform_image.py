"""Turn the raw images of one case to right-anterior-superior, float32, without negatives.

Axes are flipped and permuted, nothing is interpolated. Each output gets a JSON sidecar.
"""

import argparse
from pathlib import Path

from mribench import command, failures
from mribench.preprocessing.conform_image import conform_case

OUTPUTS = ("outputs",)


def main(arguments: argparse.Namespace) -> None:
    """Write the conformed images."""
    conform_case(arguments.images, arguments.outputs)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--images", type=Path, nargs="+", required=True, help="raw images")
    made.add_argument(
        "--outputs", type=Path, nargs="+", required=True, help="images to write, in that order"
    )
    command.run(failures.tolerant(main, "conform_image", OUTPUTS), made)
