"""Conform the raw images of one case, and correct their intensity bias.

Conforming means right-anterior-superior, float32, without negatives: axes are flipped and
permuted, nothing is interpolated. Corrected image times bias field is the conformed image.
Each output gets a JSON sidecar. The spec holds the settings ``bias``.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.config import Bias
from mribench.preprocessing.conform_image import conform_case
from mribench.preprocessing.correct_bias import correct_image

OUTPUTS = ("conformed", "outputs", "fields")


def main(arguments: argparse.Namespace) -> None:
    """Write the conformed images, the corrected ones and their fields."""
    settings = Bias.model_validate(provenance.read_spec(arguments.spec).get("bias", {}))
    conform_case(arguments.images, arguments.conformed)
    paths = zip(arguments.conformed, arguments.outputs, arguments.fields, strict=True)
    for image, output, field in paths:
        correct_image(image, output, field, settings, arguments.threads)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--images", type=Path, nargs="+", required=True, help="raw images")
    made.add_argument(
        "--conformed", type=Path, nargs="+", required=True, help="conformed images to write"
    )
    made.add_argument(
        "--outputs", type=Path, nargs="+", required=True, help="corrected images to write"
    )
    made.add_argument("--fields", type=Path, nargs="+", required=True, help="fields to write")
    command.run(failures.tolerant(main, "correct_bias", OUTPUTS), made)
