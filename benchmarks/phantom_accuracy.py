"""How well the preprocessing of a phantom study meets the truth: brain masks and tissues.

``python benchmarks/phantom_accuracy.py results/demo`` prints a Markdown table with the
Dice coefficients of the stripped brain mask and of the tissue labels, on the grid of the
anatomical image. Tissues are compared where found and true mask agree, so that the tissue
segmentation is not charged with the rim of the brain mask; "with mask errors" charges it.
"""

import argparse
from pathlib import Path

import numpy as np

from mribench.files import read_image

TISSUES = {"GM": 1, "WM": 2, "CSF": 3}


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice coefficient of two boolean arrays."""
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def measure_case(found: Path, truth: Path, anatomy: str) -> dict[str, float]:
    """Return the Dice coefficients of one case by structure."""

    def pair(end: str) -> tuple[np.ndarray, np.ndarray]:
        names = [f"{folder.parent.name}_space-{anatomy}_{end}" for folder in (found, truth)]
        images = [
            read_image(folder / name) for folder, name in zip((found, truth), names, strict=True)
        ]
        return np.asanyarray(images[0].dataobj), np.asanyarray(images[1].dataobj)

    mask, true_mask = pair("desc-brain_mask.nii.gz")
    labels, true_labels = pair("dseg.nii.gz")
    both = (mask > 0) & (true_mask > 0)
    measured = {"brain": dice(mask > 0, true_mask > 0)}
    for name, number in TISSUES.items():
        first, second = labels == number, true_labels == number
        measured[name] = dice(first & both, second & both)
        measured[f"{name}, with mask errors"] = dice(first, second)
    return measured


def measure_study(study: Path, variant: str, anatomy: str) -> list[dict[str, float]]:
    """Return the Dice coefficients of all cases of a study, sorted by case."""
    truth = study / "dataset/bids/derivatives/truth"
    cases = sorted(path.name for path in truth.glob("sub-*"))
    return [
        measure_case(study / "preproc" / variant / case / "anat", truth / case / "anat", anatomy)
        for case in cases
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="results folder of a phantom study")
    parser.add_argument("--variant", default="native", help="preprocessing variant")
    parser.add_argument("--anatomy", default="T1w", help="contrast that was stripped")
    arguments = parser.parse_args()
    rows = measure_study(arguments.study, arguments.variant, arguments.anatomy)
    print("| structure | mean Dice | lowest | cases |\n|---|---|---|---|")
    for name in rows[0]:
        values = [row[name] for row in rows]
        print(f"| {name} | {np.mean(values):.3f} | {min(values):.3f} | {len(values)} |")


if __name__ == "__main__":
    main()
