r"""Score the predictions of one run against the reference labels.

Every test case of the fold must have its prediction, on the grid of its label; the
metrics and their conventions are those of the preset. volumes.csv and lesion_sizes.csv
are written beside metrics.csv.

By hand it scores any two label images, or two folders of images with the same names:

  python -m scripts.evaluate_predictions --reference labels/ --predictions mine/ \
      --preset metrics_reloaded --label lesion=1 --output scores/metrics.csv
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.errors import ConfigError
from mribench.files import read_table, write_table
from mribench.metrics.by_hand import parse_labels, score_files
from mribench.metrics.columns import LESION_SIZE_COLUMNS, METRIC_COLUMNS, VOLUME_COLUMNS
from mribench.metrics.runs import Run, Scoring, Tables, score_run

OF_A_RUN = ("scans", "splits", "root", "method", "fold", "seed")


def main(arguments: argparse.Namespace) -> None:
    """Write metrics.csv, volumes.csv and lesion_sizes.csv."""
    tables = score_by_hand(arguments) if arguments.reference else score_study(arguments)
    write_table(arguments.output, tables.metrics, METRIC_COLUMNS, sealed=True)
    folder = arguments.output.parent
    write_table(folder / "volumes.csv", tables.volumes, VOLUME_COLUMNS, sealed=True)
    write_table(folder / "lesion_sizes.csv", tables.lesion_sizes, LESION_SIZE_COLUMNS, sealed=True)


def score_study(arguments: argparse.Namespace) -> Tables:
    """Score a run of a study."""
    missing = [name for name in OF_A_RUN if getattr(arguments, name) is None]
    if missing:
        raise ConfigError(
            f"--{missing[0]} is missing; a run needs it, two files or folders need --reference"
        )
    scoring = Scoring.model_validate(provenance.read_spec(arguments.spec))
    run = Run(arguments.method, arguments.fold, arguments.seed)
    tested = {
        row["case"]
        for row in read_table(arguments.splits)
        if row["fold"] == str(run.fold) and row["role"] == "test"
    }
    truths = {row["case"]: row for row in read_table(arguments.scans) if row["case"] in tested}
    return score_run(arguments.predictions, run, truths, arguments.root, scoring)


def score_by_hand(arguments: argparse.Namespace) -> Tables:
    """Score two files or folders."""
    label = parse_labels(arguments.label, arguments.ignore)
    scoring = Scoring(preset=arguments.preset, label=label)
    name = arguments.method or arguments.predictions.name.split(".")[0]
    return score_files(arguments.reference, arguments.predictions, name, scoring)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument(
        "--predictions", type=Path, required=True, help="predictions.json; by hand: image or folder"
    )
    made.add_argument("--scans", type=Path, help="table of the images and labels")
    made.add_argument("--splits", type=Path, help="table of the splits")
    made.add_argument("--root", type=Path, help="folder of the BIDS data set")
    made.add_argument("--method", help="name of the method in the tables")
    made.add_argument("--fold", type=int, help="fold of the run")
    made.add_argument("--seed", type=int, help="seed of the run")
    made.add_argument("--reference", type=Path, help="by hand: reference image or folder")
    made.add_argument("--preset", default="wmh2017", help="by hand: metric conventions")
    made.add_argument("--label", nargs="+", default=[], help="by hand: name=value (lesion=1)")
    made.add_argument("--ignore", nargs="+", type=int, default=[], help="by hand: values left out")
    made.add_argument("--output", type=Path, required=True, help="table to write: metrics.csv")
    command.run(main, made)
