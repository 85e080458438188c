"""Register one contrast of a case to its reference contrast.

Writes ITK text transforms for both directions, with JSON sidecars. The spec holds the
settings ``register``. The bytes repeat with one thread.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.config import Register
from mribench.preprocessing.register_to_reference import register_pair

OUTPUTS = ("forward", "inverse")


def main(arguments: argparse.Namespace) -> None:
    """Write the transform and its inverse."""
    settings = Register.model_validate(provenance.read_spec(arguments.spec).get("register", {}))
    images = (arguments.moving, arguments.fixed)
    outputs = (arguments.forward, arguments.inverse)
    register_pair(*images, *outputs, settings, arguments.threads)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--moving", type=Path, required=True, help="image to be brought over")
    made.add_argument("--fixed", type=Path, required=True, help="image of the reference contrast")
    made.add_argument("--forward", type=Path, required=True, help="transform to write")
    made.add_argument("--inverse", type=Path, required=True, help="its inverse to write")
    command.run(failures.tolerant(main, "register_to_reference", OUTPUTS), made)
