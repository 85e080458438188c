"""Write down what a training or a prediction depends on: settings, code, libraries and cases."""

import argparse
import json
from pathlib import Path

from mribench import command
from mribench.files import write_json


def main(arguments: argparse.Namespace) -> None:
    """Write the spec as it stands."""
    write_json(arguments.output, json.loads(arguments.spec))


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--output", type=Path, required=True, help="file to write")
    command.run(main, made)
