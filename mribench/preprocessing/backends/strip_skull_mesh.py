"""BET (Smith 2002) of our own: a surface that grows from the brain's centre; no FSL needed."""

import nibabel
import numpy as np

from mribench.config import Strip
from mribench.dataset.geometry import Grid
from mribench.preprocessing.brain_surface.growth import brain_within
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("BET surface")
READS = ("fraction",)


def find_brain(image: nibabel.Nifti1Image, settings: Strip, threads: int) -> np.ndarray:
    """Return the brain mask (x, y, z); the surface grows in one thread."""
    array = np.asarray(image.dataobj, dtype=np.float32)
    return brain_within(array, Grid.of(image).spacing, settings.fraction)
