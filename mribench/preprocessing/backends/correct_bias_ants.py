"""N4 bias field correction (Tustison et al. 2010) by antspyx."""

import nibabel
import numpy as np

from mribench.config import Bias
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("N4BiasFieldCorrection", "antspyx")
READS = ("shrink", "spline_mm", "iterations")
TOLERANCE = 1e-6


def estimate_field(
    image: nibabel.Nifti1Image, mask: np.ndarray, settings: Bias, threads: int
) -> np.ndarray:
    """Return the multiplicative field (x, y, z) of `image`, with mean 1 inside `mask`.

    The number of threads is ITK's and comes from the environment.
    """
    import ants

    from mribench.preprocessing.ants_images import image_to_ants, to_ants

    found = ants.n4_bias_field_correction(
        image_to_ants(image),
        mask=to_ants(mask, image.affine),
        shrink_factor=settings.shrink,
        convergence={"iters": list(settings.iterations), "tol": TOLERANCE},
        spline_param=settings.spline_mm,
        return_bias_field=True,
    ).numpy()
    return found / found[mask].mean()
