"""The bias field that FAST (Zhang et al. 2001) estimates between its classes, by FSL."""

import tempfile
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from mribench.config import Bias
from mribench.files import make_image, write_image
from mribench.preprocessing.fsl import run_fsl
from mribench.preprocessing.made_images import read_made
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("FAST", "FSL")
READS = ()
SMOOTHING_MM = 20.0


def estimate_field(
    image: nibabel.Nifti1Image, mask: np.ndarray, settings: Bias, threads: int
) -> np.ndarray:
    """Return the multiplicative field (x, y, z) of `image`, with mean 1 inside `mask`.

    FAST sees `mask` only and leaves the field at 1 outside; there it is carried on from
    the nearest voxels and smoothed. FAST runs in one thread.
    """
    array = np.where(mask, np.asanyarray(image.dataobj), 0).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        source, stem = Path(folder, "head.nii.gz"), Path(folder, "fast")
        field = Path(folder, "fast_bias.nii.gz")
        write_image(source, make_image(array, image.affine))
        run_fsl("fast", source, out=str(stem), n_classes=3, nopve=True, b=True, outputs=[field])
        found = read_made("FSL", field, image.shape).astype(np.float64)
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    # Voxels without signal are none to FAST, whatever the mask says.
    spread = spread_field(found, mask & (array > 0), spacing)
    return spread / spread[mask].mean()


def spread_field(field: np.ndarray, inside: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return `field` (x, y, z) carried on smoothly from `inside`, where it stays as it is.

    Parameters
    ----------
    field
        Values, known in `inside` only.
    inside
        Booleans (x, y, z).
    spacing
        Voxel size in mm along the axes.
    """
    nearest = ndimage.distance_transform_edt(
        ~inside, sampling=spacing, return_distances=False, return_indices=True
    )
    smooth = ndimage.gaussian_filter(field[tuple(nearest)], SMOOTHING_MM / spacing, mode="nearest")
    return np.where(inside, field, smooth)
