"""Simulate brain MR images with exact truth as a BIDS data set.

The spec holds ``phantoms`` (how many subjects, which sites, the seed) and
``contrasts`` (by default T1w and FLAIR). The folder's ``dataset_description.json``
is written last.
"""

import argparse
from pathlib import Path

from pydantic import ValidationError

from mribench import command, provenance
from mribench.config import Phantoms
from mribench.dataset.phantoms.simulate import simulate
from mribench.errors import ConfigError
from mribench.suggestions import describe_validation


def arguments_parser() -> argparse.ArgumentParser:
    """Return the parser of this script."""
    made = command.parser(__doc__)
    made.add_argument("--output", type=Path, required=True, help="folder of the data set")
    return made


def main(arguments: argparse.Namespace) -> None:
    """Simulate the data set."""
    settings = provenance.read_spec(arguments.spec)
    try:
        phantoms = Phantoms.model_validate(settings.get("phantoms", {}))
    except ValidationError as error:
        raise ConfigError("\n".join(describe_validation(error, Phantoms, "phantoms"))) from error
    contrasts = settings.get("contrasts", ("T1w", "FLAIR"))
    simulate(phantoms, contrasts, arguments.output, arguments.threads)


if __name__ == "__main__":
    command.run(main, arguments_parser())
