"""No tissue segmentation: no voxel belongs to any."""

import nibabel
import numpy as np

from mribench.config import Tissues
from mribench.preprocessing.sidecars import Tool
from mribench.preprocessing.tissue_order import TISSUES

TOOL = Tool("none")
READS = ()


def segment_tissues(
    image: nibabel.Nifti1Image,
    mask: np.ndarray,
    contrast: str,
    settings: Tissues,
    threads: int,
) -> np.ndarray:
    """Return zeros (3, x, y, z), float32."""
    return np.zeros((len(TISSUES), *image.shape), dtype=np.float32)
