"""Atropos (Avants et al. 2011): a Gaussian mixture with a Markov random field, by antspyx."""

import nibabel
import numpy as np
from scipy import ndimage

from mribench.config import Tissues
from mribench.preprocessing.sidecars import Tool
from mribench.preprocessing.tissue_order import from_brightness

TOOL = Tool("Atropos", "antspyx")
READS = ("mrf",)
CLIP_PERCENTILE = 99.5
CONVERGENCE = "[5,0]"


def segment_tissues(
    image: nibabel.Nifti1Image,
    mask: np.ndarray,
    contrast: str,
    settings: Tissues,
    threads: int,
) -> np.ndarray:
    """Return tissue probabilities (3, x, y, z), float32, in the order GM, WM, CSF.

    Parameters
    ----------
    image
        The bias-corrected image.
    mask
        The brain (x, y, z); probabilities are 0 outside.
    contrast
        BIDS suffix, with or without ``ce-``; it tells which tissue is the brightest.
    settings
        Weight of the Markov random field.
    threads
        ITK takes the number from the environment.
    """
    import ants

    from mribench.preprocessing.ants_images import to_ants

    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    array = np.asanyarray(image.dataobj)[box]
    # Bright outliers (vessels, leftover fat) would draw a class to themselves.
    clipped = np.minimum(array, np.percentile(array[mask[box]], CLIP_PERCENTILE))
    found = ants.atropos(
        a=to_ants(clipped, image.affine),
        x=to_ants(mask[box], image.affine),
        i="KMeans[3]",
        m=f"[{settings.mrf:g},1x1x1]",
        c=CONVERGENCE,
    )
    dark_to_bright = np.zeros((3, *image.shape), dtype=np.float32)
    for target, share in zip(dark_to_bright, found["probabilityimages"], strict=True):
        target[box] = np.where(mask[box], share.numpy(), 0)
    return from_brightness(dark_to_bright, contrast)
