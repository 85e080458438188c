"""Register the brain of a case to the MNI152 template.

Writes the transform for both directions, with JSON sidecars: ITK text for linear
transforms, one displacement field for the others. The spec holds the settings ``template``.
The bytes repeat with one thread.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.config import Template
from mribench.preprocessing.register_to_template import register_brain

OUTPUTS = ("forward", "inverse")


def main(arguments: argparse.Namespace) -> None:
    """Write the transform and its inverse."""
    settings = Template.model_validate(provenance.read_spec(arguments.spec).get("template", {}))
    images = (arguments.image, arguments.mask)
    outputs = (arguments.forward, arguments.inverse)
    register_brain(*images, *outputs, settings, arguments.threads)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--image", type=Path, required=True, help="bias-corrected anatomy")
    made.add_argument("--mask", type=Path, required=True, help="its brain mask")
    made.add_argument("--forward", type=Path, required=True, help="transform to write")
    made.add_argument("--inverse", type=Path, required=True, help="its inverse to write")
    command.run(failures.tolerant(main, "register_to_template", OUTPUTS), made)
