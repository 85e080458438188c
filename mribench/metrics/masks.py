"""The two masks of a case and label, cropped to where something is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Masks:
    """Reference and prediction of one label.

    Attributes
    ----------
    reference, prediction
        Boolean arrays (x, y, z) of one shape, cropped to their common bounding box with
        one voxel around it, except where the box touches the border of the image; in
        Fortran order, as NIfTI files are and cc3d likes it.
    spacing
        Voxel size in mm along the three axes.
    voxels
        Number of voxels of the whole image.
    """

    reference: np.ndarray
    prediction: np.ndarray
    spacing: tuple[float, ...]
    voxels: int

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel in mm3."""
        return float(np.prod(self.spacing))


def label_masks(
    reference: np.ndarray,
    prediction: np.ndarray,
    spacing: Sequence[float],
    value: int,
    ignore: Collection[int] = (),
) -> Masks:
    """Take one label out of two label maps.

    Parameters
    ----------
    reference, prediction
        Label maps (x, y, z) of one shape.
    spacing
        Voxel size in mm along the three axes.
    value
        The label's voxel value in both maps.
    ignore
        Voxel values of the reference where the prediction is not scored.
    """
    found = prediction == value
    for ignored in ignore:
        found &= reference != ignored
    wanted = reference == value
    box = bounding_box(wanted | found)
    return Masks(
        np.asfortranarray(wanted[box]),
        np.asfortranarray(found[box]),
        tuple(float(size) for size in spacing),
        reference.size,
    )


def bounding_box(mask: np.ndarray) -> tuple[slice, ...]:
    """Return the slices of the mask's bounding box, one voxel larger where the image allows.

    An empty mask has an empty box.
    """
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        places = np.flatnonzero(mask.any(axis=others))
        if not places.size:
            return (slice(0, 0),) * mask.ndim
        box.append(slice(max(int(places[0]) - 1, 0), int(places[-1]) + 2))
    return tuple(box)


def voxels(mask: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the coordinates of the voxels of a mask, one array per axis.

    Like :func:`numpy.nonzero`, but fast for arrays in Fortran order, and ordered so.
    """
    return np.unravel_index(np.flatnonzero(mask.ravel(order="F")), mask.shape, order="F")
