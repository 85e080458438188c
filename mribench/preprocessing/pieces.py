"""Connected pieces of a mask."""

import numpy as np
from scipy import ndimage

from mribench.preprocessing.checks import FULLY_CONNECTED


def one_piece(mask: np.ndarray) -> np.ndarray:
    """Return the largest piece of `mask` (x, y, z) without holes; an empty mask stays empty."""
    pieces, count = ndimage.label(mask, structure=FULLY_CONNECTED)
    if count > 1:
        mask = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    return ndimage.binary_fill_holes(mask)
