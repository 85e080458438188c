r"""Segment new images with the model of a run, through the preprocessing it was trained on.

The run's folder holds all that is needed; the study that it comes from is not:

  python -m scripts.apply_model --run results/demo/runs/scp/fold-0_seed-0 \
      --images T1w=p7_T1w.nii.gz FLAIR=p7_FLAIR.nii.gz --out segmented

Several runs (folds, seeds, methods of one variant) are averaged. The output is a BIDS
derivative: labels and probabilities on the grid of the reference contrast, each with a
sidecar that names model, versions and sources.
"""

import argparse
import logging
import tempfile
from pathlib import Path

from mribench import command
from mribench.application.images import find_dataset
from mribench.application.predict import Ensemble, write_predictions
from mribench.application.preprocess import STUDY, preprocess
from mribench.application.runs import read_runs


def main(arguments: argparse.Namespace) -> None:
    """Write the segmentations."""
    with tempfile.TemporaryDirectory(prefix="mribench-") as temporary:
        work = arguments.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        runs = read_runs(arguments.run)
        bids = find_dataset(arguments.images, runs[0].contrasts, work)
        store = preprocess(runs[0], bids, work.resolve(), arguments.threads)
        device, flips = arguments.device, arguments.flips
        ensemble = Ensemble(runs, store, flips, device, arguments.threads)
        parameters = {"Flips": flips, "Threads": arguments.threads}
        study = work / "results" / STUDY
        for labels in write_predictions(ensemble, study, arguments.out, device, parameters):
            logging.getLogger("mribench").info("%s", labels)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--run", type=Path, nargs="+", required=True, help="folders of trained runs")
    made.add_argument(
        "--images",
        nargs="+",
        required=True,
        help="BIDS data set, folder of files, or contrast=file for each contrast",
    )
    made.add_argument("--out", type=Path, required=True, help="folder for the segmentations")
    made.add_argument(
        "--flips",
        nargs="*",
        choices=("x", "y", "z"),
        help="average with mirror images along these axes (default: as the method says)",
    )
    made.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where")
    made.add_argument("--work", type=Path, help="keep preprocessed images here, and go on there")
    command.run(main, made)
