"""Correct the intensity bias of the images of one case.

Writes the corrected images and the bias fields; their product is the input. Each output
gets a JSON sidecar. The spec holds the settings ``bias``.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.config import Bias
from mribench.preprocessing.correct_bias import correct_image

OUTPUTS = ("outputs", "fields")


def main(arguments: argparse.Namespace) -> None:
    """Write the corrected images and their fields."""
    settings = Bias.model_validate(provenance.read_spec(arguments.spec).get("bias", {}))
    paths = zip(arguments.images, arguments.outputs, arguments.fields, strict=True)
    for image, output, field in paths:
        correct_image(image, output, field, settings, arguments.threads)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--images", type=Path, nargs="+", required=True, help="conformed images")
    made.add_argument("--outputs", type=Path, nargs="+", required=True, help="images to write")
    made.add_argument("--fields", type=Path, nargs="+", required=True, help="fields to write")
    command.run(failures.tolerant(main, "correct_bias", OUTPUTS), made)
