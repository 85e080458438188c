"""The data set's own brain mask (`dataset.brain_mask`)."""

from pathlib import Path

import nibabel
import numpy as np

from mribench.config import Strip
from mribench.preprocessing.given import read_given
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("mask of the data set")
READS = ()


def find_brain(
    image: nibabel.Nifti1Image, settings: Strip, threads: int, given: Path
) -> np.ndarray:
    """Return where the file `given`, drawn on the raw image, is above 0 (x, y, z)."""
    return read_given(given, image) > 0
