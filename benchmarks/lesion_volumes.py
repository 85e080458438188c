"""What white-matter lesions do to tissue volumes, and what it helps to leave them out.

``python benchmarks/lesion_volumes.py results/demo`` segments the T1w of every phantom of a
study twice, inside the brain mask found: as it is, and with the true lesions left out of
the fit and filled from the tissue around them. The truth counts lesions as white matter. It
prints the mean error of the volume in per cent of the true volume inside both masks.
"""

import argparse
from pathlib import Path

import numpy as np

from mribench.files import read_image
from mribench.preprocessing.hmrf.segmentation import Options, segment
from mribench.preprocessing.tissue_order import from_brightness

TISSUES = ("GM", "WM", "CSF")
LESION_SHARE = 0.5


def read(folder: Path, end: str) -> np.ndarray:
    """Return the array of the one file in `folder` that ends like this."""
    return np.asanyarray(read_image(next(folder.glob(f"*{end}"))).dataobj)


def measure_case(found: Path, truth: Path, threads: int) -> dict[str, list[float]]:
    """Return load in ml and volume errors in per cent, and Dice, by way of handling lesions."""
    image = read_image(next(found.glob("*_desc-biascorrected_T1w.nii.gz")))
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    array = np.asarray(image.dataobj, np.float32)
    mask = read(found, "_space-T1w_desc-brain_mask.nii.gz") > 0
    true = read(truth, "_space-T1w_dseg.nii.gz")
    shares = read(truth, "_space-T1w_label-lesion_probseg.nii.gz")
    both, lesions = mask & (true > 0), mask & (shares >= LESION_SHARE)
    result = {"load": [float(shares.sum() * spacing.prod() / 1000)]}
    for name, given in (("ignored", None), ("filled", lesions)):
        fitted = segment([array], mask, spacing, Options(), threads, given).partial_volumes()
        labels = np.where(both, 1 + from_brightness(fitted, "T1w").argmax(axis=0), 0)
        counts = [(np.sum(labels == k), np.sum(both & (true == k))) for k in (1, 2, 3)]
        result[name] = [100 * (ours / right - 1) for ours, right in counts]
        result[f"{name}, lesions called white"] = [100 * float((labels[lesions] == 2).mean())]
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="results folder of a phantom study")
    parser.add_argument("--variant", default="native", help="preprocessing variant")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    truth = arguments.study / "dataset/bids/derivatives/truth"
    preproc = arguments.study / "preproc" / arguments.variant
    rows = [
        measure_case(preproc / folder.name / "anat", folder / "anat", arguments.threads)
        for folder in sorted(truth.glob("sub-*"))
    ]
    loads = [row["load"][0] for row in rows]
    print(f"{len(rows)} phantoms with {min(loads):.1f} to {max(loads):.1f} ml of lesions\n")
    print("| lesions | volume error GM / WM / CSF, % | lesion voxels called white, % |")
    print("|---|---|---|")
    for name in ("ignored", "filled"):
        errors = " / ".join(f"{value:+.1f}" for value in np.mean([r[name] for r in rows], axis=0))
        white = np.mean([row[f"{name}, lesions called white"] for row in rows])
        print(f"| {name} | {errors} | {white:.0f} |")


if __name__ == "__main__":
    main()
