"""From probabilities on a variant's grid to classes on the grid of the reference label."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from mribench import files
from mribench.dataset.geometry import Grid
from mribench.preprocessing.warp import resample
from mribench.training.store import Case

Predict = Callable[[Case], np.ndarray]


def to_grid(
    probabilities: np.ndarray, grid: Grid, target: Grid, transforms: Sequence[Path]
) -> np.ndarray:
    """Return the most probable class of each voxel of another grid.

    Parameters are those of :func:`resample_probabilities`.

    Returns
    -------
    uint8 (x, y, z): 0 background, k the k-th class.
    """
    return most_probable(resample_probabilities(probabilities, grid, target, transforms))


def most_probable(probabilities: np.ndarray) -> np.ndarray:
    """Return the most probable class of each voxel, uint8 (x, y, z); see :func:`to_grid`."""
    background = 1 - probabilities.sum(axis=0, keepdims=True)
    return np.concatenate((background, probabilities)).argmax(axis=0).astype(np.uint8)


def resample_probabilities(
    probabilities: np.ndarray, grid: Grid, target: Grid, transforms: Sequence[Path]
) -> np.ndarray:
    """Return the probabilities of the classes on another grid.

    Parameters
    ----------
    probabilities
        (classes, x, y, z) on `grid`; the background has what is missing to 1.
    grid, target
        Where the probabilities stand and where the classes are wanted.
    transforms
        Files in the order of ``ants.apply_transforms``.

    Returns
    -------
    (classes, x, y, z) on `target`. Each probability is interpolated linearly; outside the
    field of view all is background.
    """
    return np.stack([resample(values, grid, target, transforms) for values in probabilities])


def probability_image(probabilities: np.ndarray, affine: np.ndarray) -> nibabel.Nifti1Image:
    """Return probabilities (classes, x, y, z) as an image in steps of 1/255.

    One class gives (x, y, z), several (x, y, z, classes). Bytes keep the file small: most
    voxels are sure background.
    """
    steps = np.rint(255 * np.clip(probabilities, 0, 1)).astype(np.uint8)
    image = files.make_image(steps[0] if len(steps) == 1 else np.moveaxis(steps, 0, -1), affine)
    image.header.set_slope_inter(1 / 255, 0)
    return image


def predict_case(
    predict: Predict,
    case: Case,
    entry: Mapping[str, Any],
    study: Path,
    output: Path,
    keep_probabilities: bool = False,
) -> dict[str, Any]:
    """Predict a case, write its label image, and return its entry of ``predictions.json``.

    Parameters
    ----------
    predict
        Returns probabilities on the case's grid.
    case
        The case, with the contrasts that `predict` wants.
    entry
        Its entry of the store's manifest.
    study
        Folder that the paths of the transforms start from.
    output
        The image to write.
    keep_probabilities
        Whether an image of the probabilities is written beside it.
    """
    started = time.monotonic()
    wanted = entry["target"]
    target = Grid(tuple(wanted["shape"]), np.array(wanted["affine"], dtype=float))
    transforms = [study / path for path in entry["to_label"]]
    probabilities = resample_probabilities(predict(case), case.grid, target, transforms)
    files.write_image(output, files.make_image(most_probable(probabilities), target.affine))
    made: dict[str, Any] = _listed(output) | {"seconds": round(time.monotonic() - started, 3)}
    if keep_probabilities:
        kept = output.with_name(output.name.replace("_dseg.", "_probseg."))
        files.write_image(kept, probability_image(probabilities, target.affine))
        made["probabilities"] = _listed(kept)
    return made


def _listed(path: Path) -> dict[str, str]:
    """Return path, beside ``predictions.json``, and checksum of an image."""
    return {"path": f"{path.parent.name}/{path.name}", "checksum": files.checksum(path)}
