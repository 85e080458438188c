"""Measure the volumes of a case in ml: tissues, brain, and the classes of its label.

Writes a table of one row with a JSON sidecar. The spec holds the settings ``anatomy`` and
``label``.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.preprocessing.volumes import VolumeSettings, measure_case

OUTPUTS = ("output",)


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    settings = VolumeSettings.model_validate(provenance.read_spec(arguments.spec))
    maps, label = arguments.probabilities, arguments.label
    measure_case(arguments.mask, maps, label, arguments.output, settings)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--mask", type=Path, required=True, help="brain mask of the anatomy")
    made.add_argument(
        "--probabilities", type=Path, nargs=3, required=True, help="its maps of GM, WM, CSF"
    )
    made.add_argument("--label", type=Path, nargs="?", help="reference label, if there is one")
    made.add_argument("--output", type=Path, required=True, help="table to write")
    command.run(failures.tolerant(main, "measure_volumes", OUTPUTS), made)
