"""Our own FAST-type segmentation (Zhang et al. 2001): Markov random field, EM, bias field."""

import nibabel
import numpy as np

from mribench.config import Tissues
from mribench.preprocessing.sidecars import Tool
from mribench.preprocessing.tissue_order import from_brightness

TOOL = Tool("hidden Markov random field")
READS = ("mrf", "bias_loop")


def segment_tissues(
    image: nibabel.Nifti1Image,
    mask: np.ndarray,
    contrast: str,
    settings: Tissues,
    threads: int,
) -> np.ndarray:
    """Return partial volumes (3, x, y, z), float32, in the order GM, WM, CSF.

    They are what FAST's users take as tissue maps: on phantoms of 2 mm their largest share
    is the true label more often than the class of the highest posterior.

    Parameters
    ----------
    image
        The bias-corrected image.
    mask
        The brain (x, y, z); shares are 0 outside.
    contrast
        BIDS suffix, with or without ``ce-``; it tells which tissue is the brightest.
    settings
        Weight of the Markov random field, and whether the bias field is estimated.
    threads
        Number of threads; the result does not depend on it.
    """
    from mribench.preprocessing.hmrf.segmentation import Options, segment

    array = np.asarray(image.dataobj, dtype=np.float32)
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    options = Options(mrf=settings.mrf, bias=settings.bias_loop)
    found = segment([array], mask, spacing, options, threads).partial_volumes()
    return from_brightness(found, contrast)
