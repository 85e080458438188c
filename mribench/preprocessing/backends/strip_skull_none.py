"""Images that are stripped already: the brain is what is not background."""

import nibabel
import numpy as np
from scipy import ndimage

from mribench.config import Strip
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("none")
READS = ()


def find_brain(image: nibabel.Nifti1Image, settings: Strip, threads: int) -> np.ndarray:
    """Return where the image is above 0, cut loose from specks (x, y, z)."""
    return ndimage.binary_opening(np.asanyarray(image.dataobj) > 0)
