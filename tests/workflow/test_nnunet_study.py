"""nnU-Net in the workflow, beside the methods of our own."""

import copy
import csv
import json
import shutil
import subprocess

import pytest
from workspace import Workspace

from mribench import programs

ENTRY = {
    "variant": "native",
    "configuration": "2d",
    "planner": "ExperimentPlanner",
    "gpu_memory_gb": 1,
    "epochs": 1,
    "iterations": 5,
}
# nnU-Net's own evaluation of two folders, printed as JSON: Dice by file.
THEIR_DICE = """
import json, sys
from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder
from nnunetv2.imageio.nibabel_reader_writer import NibabelIO
if __name__ == "__main__":
    found = compute_metrics_on_folder(*sys.argv[1:3], None, NibabelIO(), ".nii.gz", [1], None, 1)
    print(json.dumps({c["prediction_file"]: c["metrics"][1]["Dice"]
                      for c in found["metric_per_case"]}))
"""


@pytest.mark.long
def test_it_runs_with_our_folds_and_its_own_dice_is_ours(root, finished, small_study, tmp_path):
    try:
        programs.require("nnU-Net")
    except programs.ProgramError as error:
        pytest.skip(str(error))
    study = copy.deepcopy(small_study)
    study["methods"]["nnunet"] = ENTRY
    shutil.copytree(finished.folder, tmp_path / "study")
    extended = Workspace(root, tmp_path / "study")
    results = extended.results(study)
    run = results / "runs/nnunet/fold-0_seed-0"
    extended.run(study, "evaluate")

    with (results / "dataset/splits.tsv").open() as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["fold"] == "0"]
    ours = {
        role: [r["case"] for r in rows if r["role"] == role] for role in ("train", "validation")
    }
    recorded = json.loads((run / "run.json").read_text())
    wanted = [{"train": ours["train"], "val": ours["validation"] or ours["train"]}]
    assert recorded["splits"] == wanted
    assert recorded["network"]["multiply_adds"] > 1e8

    with (run / "metrics.csv").open() as stream:
        dice = {
            r["case"]: float(r["value"]) for r in csv.DictReader(stream) if r["metric"] == "dice"
        }
    assert dice == pytest.approx(their_dice(results, run, list(dice), tmp_path), abs=1e-6)
    assert len(dice) == 2


def their_dice(results, run, cases, folder):
    """Dice of nnU-Net's own evaluation of our prediction files."""
    labels = results / "dataset/bids/derivatives/manual"
    for case in cases:
        name = f"{case}.nii.gz"
        for kind in ("references", "predictions"):
            (folder / kind).mkdir(exist_ok=True)
        reference = next(labels.glob(f"{case}/anat/*_mask.nii.gz"))
        shutil.copy(reference, folder / "references" / name)
        shutil.copy(run / f"predictions/{case}_dseg.nii.gz", folder / "predictions" / name)
    script = folder / "their_dice.py"
    script.write_text(THEIR_DICE)
    python = programs.find("nnU-Net", "python")
    command = [python, "-I", script, folder / "references", folder / "predictions"]
    shown = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True
    ).stdout
    found = json.loads(shown.splitlines()[-1])
    return {path.rsplit("/", 1)[-1].removesuffix(".nii.gz"): value for path, value in found.items()}
