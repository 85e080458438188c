"""The order of tissues: in our files (that of BIDS), and by brightness in each contrast."""

import numpy as np
from scipy import ndimage

TISSUES = ("GM", "WM", "CSF")
DARK_TO_BRIGHT = {
    "T1w": ("CSF", "GM", "WM"),
    "T2w": ("WM", "GM", "CSF"),
    "PDw": ("WM", "GM", "CSF"),
    "FLAIR": ("CSF", "WM", "GM"),
}


def from_brightness(maps: np.ndarray, contrast: str) -> np.ndarray:
    """Return maps (3, x, y, z) that go from dark to bright in the order GM, WM, CSF.

    `contrast` is a BIDS suffix, with or without ``ce-gadolinium_``.
    """
    names = DARK_TO_BRIGHT[contrast.rpartition("_")[2]]
    return maps[[names.index(tissue) for tissue in TISSUES]]


def fill_unknown(maps: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return `maps` (tissue, x, y, z), all 0 outside `mask` and nowhere else.

    Voxels of `mask` without any tissue take the values of the nearest voxel with some.
    """
    known = (maps > 0).any(axis=0) & mask
    if not (mask & ~known).any():
        return maps * mask
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return maps[(slice(None), *nearest)] * mask
