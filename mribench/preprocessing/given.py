"""Files of the data set's own, brought into the form of a conformed image."""

from pathlib import Path

import nibabel
import numpy as np

from mribench.dataset.geometry import Grid, difference
from mribench.files import read_image
from mribench.preprocessing.checks import fail
from mribench.preprocessing.conform_image import conform

SAME_GRID_MM = 0.1


def read_given(path: Path, image: nibabel.Nifti1Image) -> np.ndarray:
    """Return the values (x, y, z) of a file on the grid of a conformed image.

    Axes are flipped and permuted as those of the image were, nothing is interpolated.

    Parameters
    ----------
    path
        Mask or labels, drawn on the raw image.
    image
        The conformed image of the same contrast.

    Raises
    ------
    StageError
        If the file stands on another grid.
    """
    found = conform(read_image(path), path)
    # index_dataset compares the raw grids strictly; this is for scripts run by hand.
    wrong = difference(Grid.of(found), Grid.of(image), SAME_GRID_MM)
    if wrong is not None:
        remedy = "resample the file onto the raw image, or set its contrast in dataset"
        raise fail(path, wrong, "the grid of the anatomical contrast", remedy)
    return np.asarray(found.dataobj)
