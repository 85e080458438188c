"""How far rigid registration within a case ends from the truth, in mm, ours and antspyx's.

Images are displaced by rotations of 0 to 15 degrees about any axis and shifts of 0 to 25 mm in any
direction; a displacement changes the affine, so that no voxel is interpolated. The images:

- phantoms, T1w to FLAIR, whose truth is known;
- patient01 of the longitudinal open_ms_data (Lesjak et al. 2016), T1w and T2w of both visits to the
  FLAIR, against the published transforms. Those are estimates too.

Both programs get the images after our bias correction, and one thread. The error is the mean over
the voxels of the FLAIR's head. It is called lost above 5 mm.

``python benchmarks/registration_accuracy.py --phantoms phantoms --release
open_ms_data/longitudinal`` prints a Markdown table.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import nibabel
import numpy as np

from mribench.config import Bias
from mribench.files import make_image, read_image
from mribench.preprocessing.backends.register_ants import register_linear
from mribench.preprocessing.conform_image import conform_case
from mribench.preprocessing.correct_bias import correct_image
from mribench.preprocessing.foreground import head_mask
from mribench.preprocessing.transforms import mean_distance, points_of, read_affine, rigid

MOST_DEGREES, MOST_MM, LOST_MM = 15.0, 25.0, 5.0
Register = Callable[[nibabel.Nifti1Image, nibabel.Nifti1Image], np.ndarray]


class Pair(NamedTuple):
    """Two images, and the true map of points (4 x 4, RAS mm) from `fixed` to `moving`."""

    name: str
    fixed: nibabel.Nifti1Image
    moving: nibabel.Nifti1Image
    truth: np.ndarray


def corrected(path: Path) -> nibabel.Nifti1Image:
    """Return an image without its bias field, in memory."""
    with TemporaryDirectory() as name:
        conformed, result, field = (Path(name, f"sub-01_{part}.nii.gz") for part in "abc")
        conform_case([path], [conformed])
        correct_image(conformed, result, field, Bias(), 1)
        image = read_image(result)
        return make_image(np.asarray(image.dataobj, np.float32), image.affine)


def phantom_pairs(root: Path) -> Iterator[Pair]:
    """Yield T1w and FLAIR of each phantom of a BIDS data set."""
    for folder in sorted(root.glob("sub-*/anat")):
        subject = folder.parent.name
        transform = f"{subject}_from-T1w_to-FLAIR_mode-image_xfm.txt"
        truth = read_affine(root / "derivatives/truth" / subject / "anat" / transform)
        images = (corrected(folder / f"{subject}_{key}.nii.gz") for key in ("FLAIR", "T1w"))
        yield Pair("phantoms, T1w", *images, truth)


def patient_pairs(release: Path) -> Iterator[Pair]:
    """Yield T1w and T2w of both visits of the real patient with their FLAIR."""
    raw = release / "raw/patient01"
    for visit in ("study1", "study2"):
        flair = corrected(raw / f"{visit}_FLAIR.nii.gz")
        for contrast in ("T1W", "T2W"):
            truth = read_affine(raw / f"{visit}_{contrast}_intrastudy_to_FLAIR.txt")
            moving = corrected(raw / f"{visit}_{contrast}.nii.gz")
            yield Pair(f"patient, {contrast[:2]}w", flair, moving, truth)


def motions(draws: int, centre: np.ndarray) -> Iterator[np.ndarray]:
    """Yield no motion, then rotations about `centre` with shifts, the last one the largest."""
    generator = np.random.default_rng(0)
    for share in np.linspace(0, 1, draws):
        axis, direction = (_unit(generator.normal(size=3)) for _ in range(2))
        angles = np.radians(MOST_DEGREES * share) * axis
        yield rigid(angles, MOST_MM * share * direction, centre)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def register_by_antspyx(fixed: nibabel.Nifti1Image, moving: nibabel.Nifti1Image) -> np.ndarray:
    """Return the map that ``ants.registration`` finds with its defaults."""
    import ants

    from mribench.preprocessing.ants_images import image_to_ants, read_ants_affine

    images = (image_to_ants(image) for image in (fixed, moving))
    found = ants.registration(*images, type_of_transform="Rigid")
    matrix = read_ants_affine(found["fwdtransforms"][0])
    for path in {*found["fwdtransforms"], *found["invtransforms"]}:
        os.remove(path)
    return matrix


def errors(pair: Pair, draws: int, register: Register) -> list[float]:
    """Return the mean error in mm after each displacement of the moving image."""
    points = points_of(pair.fixed, head_mask(pair.fixed))[:, ::20]
    array = np.asanyarray(pair.moving.dataobj)
    found = []
    for motion in motions(draws, points.mean(axis=1)):
        moved = make_image(array, motion @ pair.moving.affine)
        found.append(mean_distance(register(pair.fixed, moved), motion @ pair.truth, points))
    return found


def main() -> None:
    """Measure both programs on all pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phantoms", type=Path, help="BIDS data set of simulated phantoms")
    parser.add_argument("--release", type=Path, help="longitudinal part of open_ms_data")
    parser.add_argument("--draws", type=int, default=6, help="displacements of each image")
    arguments = parser.parse_args()
    os.environ |= {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1", "ANTS_RANDOM_SEED": "1"}
    pairs = [*phantom_pairs(arguments.phantoms)] if arguments.phantoms else []
    pairs += [*patient_pairs(arguments.release)] if arguments.release else []
    programs = {
        "mribench": partial(register_linear, transform="rigid"),
        "antspyx": register_by_antspyx,
    }
    print("| images | program | registrations | mean, mm | largest, mm | lost |")
    print("|---|---|---|---|---|---|")
    for name in dict.fromkeys(pair.name for pair in pairs):
        for program, register in programs.items():
            chosen = [pair for pair in pairs if pair.name == name]
            found = np.concatenate([errors(pair, arguments.draws, register) for pair in chosen])
            figures = f"{found.mean():.2f} | {found.max():.2f} | {(found > LOST_MM).sum()}"
            print(f"| {name} | {program} | {len(found)} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
