"""Bring a brain mask from the inner skull onto the outer surface of the tissue (T1w).

What is brighter than fluid is tissue. Opening cuts it loose from vessels and meninges,
closing bridges the sulci, and a margin takes in the cortex's own partial volumes.
"""

from collections.abc import Sequence

import edt
import numpy as np

from mribench.preprocessing.foreground import otsu
from mribench.preprocessing.pieces import one_piece

BRIGHT_PERCENTILES = (98.0, 99.5)
FLUID_SHARE = 0.8
FAT = 1.25
OPENING_MM = 2.5
CLOSING_MM = 6.0
MARGIN_MM = 1.0
GROWTH_MM = 3.0
HALF_VOXEL_MM = 0.5


def tissue_rim(array: np.ndarray, mask: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Return the mask (x, y, z) that ends at the brain's tissue and not at the dura.

    Parameters
    ----------
    array
        A bias-corrected head in which tissue is brighter than fluid (T1w).
    mask
        The brain with its fluid (x, y, z). The result reaches at most `GROWTH_MM` beyond it.
    spacing
        Voxel size in mm.
    """
    near = _distance(~mask, spacing) <= GROWTH_MM
    tissue = near & _is_tissue(array, array[mask])
    core = one_piece(_distance(tissue, spacing) > OPENING_MM)
    opened = tissue & (_distance(~core, spacing) <= OPENING_MM + HALF_VOXEL_MM)
    grown = _distance(~opened, spacing) <= CLOSING_MM
    closed = opened | (_distance(grown, spacing) > CLOSING_MM)
    return near & (_distance(~closed, spacing) <= MARGIN_MM)


def _is_tissue(array: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Tell tissue from fluid by Otsu's threshold in the mask, and from fat by the brightest."""
    white, top = np.percentile(inside, BRIGHT_PERCENTILES)
    threshold = FLUID_SHARE * otsu(inside[inside < top])
    return (array > threshold) & (array < FAT * white)


def _distance(mask: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Return the distance in mm of each voxel of `mask` from what is outside of it."""
    sizes = tuple(float(size) for size in spacing)
    return edt.edt(np.ascontiguousarray(mask), anisotropy=sizes, parallel=1)
