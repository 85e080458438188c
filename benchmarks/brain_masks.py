"""What brain masks of a real patient hold that the published mask does not, and the other way.

The patient is patient01 of the longitudinal open_ms_data, visit 1 (Lesjak et al. 2016). Masks on
the grid of its raw T1w are brought onto the common grid by the published transforms. There T1w
and T2w together say what a voxel is: dark in both is bone, air or dura, bright in T2w and
dark in T1w is fluid, between them is tissue; the rest are mixed voxels. Counts are of voxels
of 0.72 x 0.72 x 3 mm inside the field of view of both images.

``python benchmarks/brain_masks.py open_ms_data/longitudinal BET=bet_mask.nii.gz
deepbet=deepbet_mask.nii.gz`` prints a Markdown table. The first mask is the one that the last
column compares the others with.
"""

import argparse
from pathlib import Path

import numpy as np

from mribench.dataset.geometry import Grid
from mribench.files import read_image
from mribench.preprocessing.warp import resample

KINDS = ("dark in both", "fluid", "tissue", "mixed")
HEADS = ("mask", "Dice", "where", "voxels", *KINDS)
# Shares of the median in the published mask, of T1w and of T2w.
DARK, FLUID_T1W, FLUID_T2W = 0.5, 0.8, 1.4
TISSUE_T1W, TISSUE_T2W = (0.75, 1.4), (0.6, 1.4)


class Patient:
    """The published mask and the images of a patient on the common grid."""

    def __init__(self, release: Path) -> None:
        raw = release / "raw/patient01"
        published = read_image(release / "coregistered/patient01/brainmask.nii.gz")
        self.grid = Grid.of(published)
        to_common = raw / "study1_FLAIR_to_common_space.txt"
        self.from_t1w = [to_common, raw / "study1_T1W_intrastudy_to_FLAIR.txt"]
        from_t2w = [to_common, raw / "study1_T2W_intrastudy_to_FLAIR.txt"]
        t1w = self.bring(raw / "study1_T1W.nii.gz", self.from_t1w)
        t2w = self.bring(raw / "study1_T2W.nii.gz", from_t2w)
        self.seen = (t1w > 0) & (t2w > 0)
        self.published = (np.asanyarray(published.dataobj) > 0) & self.seen
        self.kinds = self.sort(t1w, t2w)

    def bring(self, path: Path, transforms: list[Path]) -> np.ndarray:
        """Return an image or a mask (x, y, z) on the common grid, linearly interpolated."""
        image = read_image(path)
        array = np.asanyarray(image.dataobj).astype(np.float32)
        return resample(array, Grid.of(image), self.grid, transforms)

    def sort(self, t1w: np.ndarray, t2w: np.ndarray) -> dict[str, np.ndarray]:
        """Return which voxels (x, y, z) are of which kind."""
        first = t1w / np.median(t1w[self.published])
        second = t2w / np.median(t2w[self.published])
        dark = (first < DARK) & (second < DARK)
        fluid = (first < FLUID_T1W) & (second > FLUID_T2W)
        tissue = (first > TISSUE_T1W[0]) & (first < TISSUE_T1W[1])
        tissue &= (second > TISSUE_T2W[0]) & (second < TISSUE_T2W[1])
        mixed = ~(dark | fluid | tissue)
        return dict(zip(KINDS, (dark, fluid, tissue, mixed), strict=True))

    def mask(self, path: Path) -> np.ndarray:
        """Return a mask of the T1w (x, y, z) on the common grid, where all images see."""
        return (self.bring(path, self.from_t1w) >= 0.5) & self.seen


def rows_of(name: str, mask: np.ndarray, first: np.ndarray, patient: Patient) -> list[list[str]]:
    """Return what a mask has too much and too little, by kind and by agreement with the first."""
    truth = patient.published
    dice = 2 * (mask & truth).sum() / (mask.sum() + truth.sum())
    rows = []
    for where, part, shared in (
        ("only in it", mask & ~truth, ~first),
        ("only in the published one", truth & ~mask, first),
    ):
        counts = [str(int((part & patient.kinds[kind]).sum())) for kind in KINDS]
        agreed = f"{(part & shared).sum() / part.sum():.0%}"
        rows.append([name, f"{dice:.3f}", where, str(int(part.sum())), *counts, agreed])
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path, help="folder longitudinal of open_ms_data")
    parser.add_argument("masks", nargs="+", help="NAME=FILE, masks on the grid of the raw T1w")
    arguments = parser.parse_args()
    patient = Patient(arguments.release)
    named = [text.partition("=")[::2] for text in arguments.masks]
    masks = {name: patient.mask(Path(path)) for name, path in named}
    first = next(iter(masks))
    heads = [*HEADS, f"{first} sides with the published one"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name, mask in masks.items():
        for row in rows_of(name, mask, masks[first], patient):
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
