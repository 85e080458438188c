"""State of the hidden Markov random field: intensities and class margins on a lattice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mribench.preprocessing.hmrf import kernels
from mribench.preprocessing.hmrf.lattice import Lattice, Workers, neighbour_weights
from mribench.preprocessing.hmrf.mixture import Classes, from_moments

BRIGHT_PERCENTILE = 98
BRIGHTEST = np.float32(2)
OFFSET = 1 / 300


@dataclass(frozen=True)
class Field:
    """What the iterations work on.

    Attributes
    ----------
    lattice
        The voxels that are fitted.
    original, values
        Logarithmic intensities, float32 (C, x, y, z) on the lattice, before and after
        subtraction of the bias field: ``log(intensity / scale + OFFSET)`` with the
        scale a bright percentile, so that the image's unit does not matter and black
        voxels stay finite; outliers are cut at `BRIGHTEST` times the scale. 0 outside
        the mask.
    margins
        Posterior of each class but the last, minus that of the last, float32
        (class - 1, x, y, z).
    """

    lattice: Lattice
    original: np.ndarray
    values: np.ndarray
    margins: np.ndarray

    def posteriors(self) -> np.ndarray:
        """Return the class probabilities (class, x, y, z) on the lattice; 0 outside the mask."""
        number = len(self.margins) + 1
        result = np.empty((number, *self.margins.shape[1:]), np.float32)
        np.subtract(self.lattice.inside, self.margins.sum(axis=0), out=result[-1])
        result[-1] /= number
        np.add(self.margins, result[-1], out=result[:-1])
        return result

    def intensities(self) -> np.ndarray:
        """Return bias-free intensities in units of the scales, float32 (C, x, y, z)."""
        return np.exp(self.values) - np.float32(OFFSET)


def make_field(images: Sequence[np.ndarray], lattice: Lattice, number: int) -> Field:
    """Return the field of `images` (x, y, z) for `number` classes, without bias or margins."""
    original = np.stack([lattice.crop(image) for image in images])
    inside = lattice.inside > 0
    for volume in original:
        np.maximum(volume, 0, out=volume)
        volume *= np.float32(1 / np.percentile(volume[inside], BRIGHT_PERCENTILE))
        np.minimum(volume, BRIGHTEST, out=volume)
        volume += np.float32(OFFSET)
        np.log(volume, out=volume, where=inside)
        volume[~inside] = 0
    margins = np.zeros((number - 1, *inside.shape), np.float32)
    return Field(lattice, original, original.copy(), margins)


def update(field: Field, classes: Classes, mrf: float, workers: Workers) -> Classes:
    """Make one step of EM: posteriors by mean field under `classes`, and the new classes.

    The energy of class k at a voxel is its log density plus `mrf` times the weighted
    sum of its neighbours' probabilities of k (equations 8 and 19 to 21 of the paper,
    with soft instead of hard neighbours). Even slabs are updated before odd ones, so
    every slab sees finished neighbours whatever the number of threads.
    """
    contrasts = len(field.values)
    moments = np.zeros(
        (len(field.lattice.inside), len(classes.means), 1 + contrasts * (1 + contrasts))
    )
    arguments = (
        field.values,
        field.lattice.inside,
        field.lattice.extents,
        field.margins,
        classes.means.astype(np.float32),
        classes.precisions.astype(np.float32),
        classes.constants.astype(np.float32),
        np.float32(mrf) * neighbour_weights(field.lattice.spacing),
        moments,
    )
    for first in (0, 1):
        workers.run(kernels.update_slabs, field.lattice.slabs[first::2], *arguments)
    return from_moments(moments.sum(axis=0))
