"""The MNI152 template that comes with nilearn (ICBM 2009a symmetric, skull-stripped)."""

import nibabel
import numpy as np

from mribench.dataset.geometry import Grid
from mribench.files import make_image


def load_template(resolution: int) -> tuple[nibabel.Nifti1Image, np.ndarray]:
    """Return the brain (T1w, float32) and its mask (x, y, z) at `resolution` mm."""
    from nilearn import datasets

    brain = datasets.load_mni152_template(resolution=resolution)
    mask = datasets.load_mni152_brain_mask(resolution=resolution)
    inside = np.asanyarray(mask.dataobj) > 0
    array = np.where(inside, np.asanyarray(brain.dataobj), 0).astype(np.float32)
    return make_image(array, brain.affine), inside


def template_grid() -> Grid:
    """Return the template's own grid, at 1 mm."""
    return Grid.of(load_template(1)[0])
