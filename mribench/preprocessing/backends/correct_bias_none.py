"""No bias correction: a field of ones."""

import nibabel
import numpy as np

from mribench.config import Bias
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("none")
READS = ()


def estimate_field(
    image: nibabel.Nifti1Image, mask: np.ndarray, settings: Bias, threads: int
) -> np.ndarray:
    """Return ones (x, y, z)."""
    return np.ones(image.shape)
