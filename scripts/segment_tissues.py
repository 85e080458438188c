"""Divide the brain of a case into grey matter, white matter and cerebrospinal fluid.

Writes labels (1 grey, 2 white, 3 fluid), probability maps in the same order and the
look-up table, with JSON sidecars. The spec holds the settings ``tissues`` and ``anatomy``,
and for the back end ``given`` the ``values`` of the tissues in the data set's own labels.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.config import Tissues
from mribench.preprocessing.segment_tissues import segment_image

OUTPUTS = ("labels", "lookup", "probabilities")


def main(arguments: argparse.Namespace) -> None:
    """Write labels, probability maps and the look-up table."""
    spec = provenance.read_spec(arguments.spec)
    settings = Tissues.model_validate(spec.get("tissues", {}))
    segment_image(
        arguments.image,
        arguments.mask,
        arguments.labels,
        arguments.probabilities,
        arguments.lookup,
        spec.get("anatomy", "T1w"),
        settings,
        arguments.threads,
        arguments.given,
        spec.get("values", {"GM": 1, "WM": 2, "CSF": 3}),
    )


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--image", type=Path, required=True, help="bias-corrected anatomy")
    made.add_argument("--mask", type=Path, required=True, help="its brain mask")
    made.add_argument("--given", type=Path, nargs="?", help="the data set's own labels, if used")
    made.add_argument("--labels", type=Path, required=True, help="tissue labels to write")
    made.add_argument(
        "--probabilities", type=Path, nargs=3, required=True, help="maps to write: GM, WM, CSF"
    )
    made.add_argument("--lookup", type=Path, required=True, help="table of the labels to write")
    command.run(failures.tolerant(main, "segment_tissues", OUTPUTS), made)
