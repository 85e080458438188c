"""The head (or, in a stripped image, the brain) against the air around it."""

import nibabel
import numpy as np
from scipy import ndimage

BINS = 256
TISSUE_SHARE = 0.5
SCALP_MM = 10.0
LARGEST_BRAIN_ML = 2200.0
LEAST_PIECE = 0.05


def otsu(values: np.ndarray) -> float:
    """Return the threshold between two classes of `values` with the least variance within.

    Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    counts, edges = np.histogram(values, bins=BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * centres)
    apart = sums[:-1] / np.maximum(below, 1) - (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1 + np.argmax(below * above * apart**2)])


def head_mask(image: nibabel.Nifti1Image) -> np.ndarray:
    """Return the foreground (x, y, z): its large pieces, without holes.

    Values above the 99.5th percentile are clipped first. Half of Otsu's threshold keeps
    the dark tissues; on stripped images it leaves just the brain. Pieces from a twentieth
    of the largest stay, since dark bone can part the skin from the brain.
    """
    array = np.asanyarray(image.dataobj)
    positive = array[array > 0]
    clipped = np.minimum(positive, np.percentile(positive, 99.5))
    mask = array > TISSUE_SHARE * otsu(clipped)
    pieces, _ = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    mask = (sizes >= LEAST_PIECE * sizes.max())[pieces] & mask
    return ndimage.binary_fill_holes(mask)


def core_mask(image: nibabel.Nifti1Image) -> np.ndarray:
    """Return the head (x, y, z) without its outer 10 mm, where skin, fat and skull are.

    What is no larger than a brain counts as stripped already and stays whole.
    """
    mask = head_mask(image)
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    if mask.sum() * np.prod(spacing) / 1000 <= LARGEST_BRAIN_ML:
        return mask
    return ndimage.distance_transform_edt(mask, sampling=spacing) > SCALP_MM
