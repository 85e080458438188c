"""Import a public release: copy its files into a BIDS data set with labels as derivatives.

The spec names the recipe and the source, for example
'{"recipe": "open_ms_data", "source": "/data/open_ms_data"}'.
"""

import argparse
import importlib
import logging
from pathlib import Path

from mribench import command, provenance
from mribench.config import Dataset
from mribench.errors import ConfigError
from mribench.plugins import plugins, unknown


def main(arguments: argparse.Namespace) -> None:
    """Call the recipe; the data set appears when it is complete."""
    settings = Dataset.model_validate(provenance.read_spec(arguments.spec))
    if settings.recipe not in plugins("dataset.recipes"):
        raise ConfigError(unknown("recipe", settings.recipe, plugins("dataset.recipes")))
    recipe = importlib.import_module(f"mribench.dataset.recipes.{settings.recipe}")
    target = arguments.output.parent
    recipe.convert(Path(str(settings.source)), target, settings)
    count = len(list(target.glob("sub-*")))
    logging.getLogger("mribench").info("%s: imported %d people", settings.recipe, count)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument(
        "--output", type=Path, required=True, help="dataset_description.json of the new data set"
    )
    command.run(main, made)
