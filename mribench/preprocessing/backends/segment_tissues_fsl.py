"""FAST (Zhang et al. 2001), by FSL."""

import tempfile
from pathlib import Path

import nibabel
import numpy as np

from mribench.config import Tissues
from mribench.files import make_image, write_image
from mribench.preprocessing.fsl import run_fsl
from mribench.preprocessing.made_images import read_made
from mribench.preprocessing.sidecars import Tool
from mribench.preprocessing.tissue_order import fill_unknown, from_brightness

TOOL = Tool("FAST", "FSL")
READS = ("mrf", "bias_loop")
# FAST's own words for the contrast; it starts its classes by them.
TYPES = {"T1w": 1, "T2w": 2, "PDw": 3, "FLAIR": 2}


def segment_tissues(
    image: nibabel.Nifti1Image,
    mask: np.ndarray,
    contrast: str,
    settings: Tissues,
    threads: int,
) -> np.ndarray:
    """Return tissue probabilities (3, x, y, z), float32, in the order GM, WM, CSF.

    These are FAST's partial volumes. FAST numbers its classes by the contrast that it is
    told and does not say which is which, so they are told apart by their mean intensity.

    Parameters
    ----------
    image
        The bias-corrected image.
    mask
        The brain (x, y, z); probabilities are 0 outside.
    contrast
        BIDS suffix, with or without ``ce-``; it tells which tissue is the brightest.
    settings
        Weight of the Markov random field, and whether FAST estimates the bias field too.
    threads
        FAST runs in one.
    """
    array = np.where(mask, np.asanyarray(image.dataobj), 0).astype(np.float32)
    kind = TYPES[contrast.rpartition("_")[2]]
    with tempfile.TemporaryDirectory() as folder:
        source, stem = Path(folder, "brain.nii.gz"), Path(folder, "fast")
        maps = [Path(folder, f"fast_pve_{number}.nii.gz") for number in range(3)]
        write_image(source, make_image(array, image.affine))
        options = {} if settings.bias_loop else {"N": True}
        run_fsl(
            "fast",
            source,
            out=str(stem),
            t=kind,
            n_classes=3,
            H=settings.mrf,
            **options,
            outputs=maps,
        )
        found = np.stack([read_made("FSL", path, image.shape) for path in maps])
    ordered = found[dark_to_bright(found, array)].astype(np.float32)
    # FAST leaves out voxels without signal, whatever the mask says.
    return fill_unknown(from_brightness(ordered, contrast), mask)


def dark_to_bright(maps: np.ndarray, array: np.ndarray) -> np.ndarray:
    """Return the order of classes (class, x, y, z) by their mean in `array` (x, y, z)."""
    weights = maps.reshape(len(maps), -1)
    return np.argsort(weights @ array.ravel() / np.maximum(weights.sum(axis=1), 1))
