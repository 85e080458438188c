"""Tiny BIDS data sets made of noise."""

from pathlib import Path

import numpy as np

from mribench.files import make_image, write_image

SHAPE = (8, 9, 7)
AFFINE = np.array([[-1.0, 0, 0, 4], [0, 1.5, 0, -3], [0, 0, 2, -5], [0, 0, 0, 1]])


def add_image(root: Path, relative: str, array: np.ndarray | None = None, affine=AFFINE) -> Path:
    """Write an image, noise by default, below `root`."""
    if array is None:
        seed = sum(relative.encode())
        array = np.random.default_rng(seed).normal(100, 10, SHAPE).astype(np.float32)
    path = root / relative
    write_image(path, make_image(array, affine))
    return path


def label_array(voxels: int = 5, value: int = 1) -> np.ndarray:
    """Return a label with the given number of voxels of one class."""
    array = np.zeros(SHAPE, np.uint8)
    array.reshape(-1)[:voxels] = value
    return array


def image_path(case: str, contrast: str) -> str:
    """Path of an image relative to the data set."""
    return f"{case.replace('_', '/')}/anat/{case}_{contrast}.nii.gz"


def label_path(case: str) -> str:
    """Path of a label relative to the data set."""
    return f"derivatives/manual/{case.replace('_', '/')}/anat/{case}_label-lesion_mask.nii.gz"


def add_case(root: Path, case: str, contrasts=("T1w", "FLAIR"), voxels: int = 5) -> None:
    """Write the images and the label of one case."""
    for contrast in contrasts:
        add_image(root, image_path(case, contrast))
    add_image(root, label_path(case), label_array(voxels))
