"""Atlas propagation: the MNI brain mask, carried onto the head by registration (antspyx)."""

import nibabel
import numpy as np
from scipy import ndimage

from mribench.config import Strip
from mribench.dataset.geometry import Grid
from mribench.preprocessing.backends.register_ants import register_deformable, register_linear
from mribench.preprocessing.sidecars import Tool
from mribench.preprocessing.template import load_template
from mribench.preprocessing.transforms import apply

TOOL = Tool("antsRegistration, MNI152NLin2009aSym mask", "antspyx")
READS = ()
RESOLUTION_MM = 2
MARGIN_MM = 6.0


def find_brain(image: nibabel.Nifti1Image, settings: Strip, threads: int) -> np.ndarray:
    """Return the brain mask (x, y, z) of an image of any contrast.

    The template has no skull, so only its brain and a margin around it count.
    """
    brain, mask = load_template(RESOLUTION_MM)
    near = ndimage.distance_transform_edt(~mask) * RESOLUTION_MM <= MARGIN_MM
    linear = register_linear(brain, image, "affine", near)
    _, inverse = register_deformable(brain, image, linear, near)
    grid = Grid.of(image)
    index = np.indices(grid.shape).reshape(3, -1)
    points = apply([grid.affine, inverse, np.linalg.inv(brain.affine)], index)
    share = ndimage.map_coordinates(mask.astype(np.float32), points, order=1)
    return share.reshape(grid.shape) >= 0.5
