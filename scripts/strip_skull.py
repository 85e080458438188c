"""Find the brain in a bias-corrected image.

Writes the mask (uint8) and its JSON sidecar; stops if the mask is empty, in pieces or of
an implausible volume. The spec holds the settings ``strip``; the back end ``given`` reads
the data set's own mask, which stands on the grid of the raw image.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.config import Strip
from mribench.preprocessing.strip_skull import strip_image

OUTPUTS = ("output",)


def main(arguments: argparse.Namespace) -> None:
    """Write the brain mask."""
    settings = Strip.model_validate(provenance.read_spec(arguments.spec).get("strip", {}))
    paths = (arguments.image, arguments.output)
    strip_image(*paths, settings, arguments.threads, arguments.given)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--image", type=Path, required=True, help="bias-corrected image")
    made.add_argument(
        "--given", type=Path, nargs="?", help="the data set's own mask, if it is used"
    )
    made.add_argument("--output", type=Path, required=True, help="brain mask to write")
    command.run(failures.tolerant(main, "strip_skull", OUTPUTS), made)
