"""Tissue classes by a hidden Markov random field, EM and a bias field in the loop.

The algorithm is that of Zhang, Brady and Smith, "Segmentation of brain MR images
through a hidden Markov random field model and the expectation-maximization algorithm",
IEEE Transactions on Medical Imaging 20 (2001) 45-57, which FSL's FAST is known for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mribench.errors import StageError
from mribench.preprocessing.hmrf.bias import correct_bias
from mribench.preprocessing.hmrf.field import Field, make_field, update
from mribench.preprocessing.hmrf.fill import fill
from mribench.preprocessing.hmrf.lattice import Lattice, Workers, make_lattice
from mribench.preprocessing.hmrf.mixture import Classes
from mribench.preprocessing.hmrf.partial_volume import partial_volumes
from mribench.preprocessing.hmrf.start import start_classes

LEAST_BIAS_LOOPS = 4
MOST_BIAS_LOOPS = 60
BIAS_TOLERANCE = 0.0005
FINAL_LOOPS = 4
# While the field is sought, a voxel's label should follow its neighbours more than its own
# intensity: a voxel that noise carries to another class is compared with the wrong mean, and the
# field then repeats the anatomy. Weights of 1.4 to 4 times all bring it nearer to the truth on
# phantoms; 1.5 stays near to FAST on patients.
BIAS_SUPPORT = 1.5
SAMPLES = 20_000
# On phantoms of 1 to 9 % noise shares err least with some twenty times the weight of the classes.
MIXEL_WEIGHT = 20.0


@dataclass(frozen=True)
class Options:
    """How to segment.

    Attributes
    ----------
    classes
        Number of classes.
    mrf
        Weight of the Markov random field; up to about 0.18 every update is known to
        lower the free energy.
    bias
        Whether the bias field is estimated; it can be off after another correction.
    bias_width_mm
        Full width at half maximum of the Gaussian that smooths the bias field, in mm.
    """

    classes: int = 3
    mrf: float = 0.1
    bias: bool = True
    bias_width_mm: float = 20.0


@dataclass(frozen=True)
class Segmentation:
    """A fitted image; its maps are made when asked for.

    Classes are in ascending order of the first contrast's intensity. Maps stand on the
    grid of the image and are 0 outside the mask unless said otherwise.

    Attributes
    ----------
    field
        Intensities and margins after the last update.
    classes
        Normal distributions of the logarithmic intensities.
    mask, lesions
        Boolean (x, y, z): the fitted voxels, and those that were left out and filled.
    """

    field: Field
    classes: Classes
    mask: np.ndarray
    lesions: np.ndarray | None
    mrf: float
    threads: int

    def probabilities(self) -> np.ndarray:
        """Return the posterior of each class, float32 (class, x, y, z), which sum to 1."""
        return self._place(self.field.posteriors())

    def partial_volumes(self) -> np.ndarray:
        """Return the share of each class in the voxel, float32 (class, x, y, z)."""
        with Workers(self.threads) as workers:
            return self._place(partial_volumes(self.field, MIXEL_WEIGHT * self.mrf, workers))

    def bias_field(self) -> np.ndarray:
        """Return float32 (contrast, x, y, z), 1 outside the mask: image = field * corrected."""
        return np.exp(place(self.field.original - self.field.values, self.field.lattice, self.mask))

    def _place(self, volumes: np.ndarray) -> np.ndarray:
        order = np.argsort(self.classes.means[:, 0], kind="stable")
        result = place([volumes[k] for k in order], self.field.lattice, self.mask)
        if self.lesions is not None:
            fill(result, self.mask, self.lesions)
        return result


def segment(
    images: Sequence[np.ndarray],
    mask: np.ndarray,
    spacing: Sequence[float],
    options: Options,
    threads: int,
    lesions: np.ndarray | None = None,
) -> Segmentation:
    """Segment one or several contrasts of the same grid.

    Parameters
    ----------
    images
        Contrasts (x, y, z); negative values count as 0.
    mask
        Boolean (x, y, z): the brain.
    spacing
        Voxel size in mm.
    options
        Classes, weight of the field, bias.
    threads
        Number of threads; results do not depend on it.
    lesions
        Boolean (x, y, z): voxels that take no part in the fit. They are given the
        probabilities of the tissue around them.

    Raises
    ------
    StageError
        If nothing is left to fit, or an image is constant or not finite in the mask.
    """
    fitted = mask if lesions is None else mask & ~lesions
    _check(images, fitted)
    field = make_field(images, make_lattice(fitted, spacing), options.classes)
    with Workers(threads) as workers:
        classes = fit(field, options, workers)
    filled = None if lesions is None else mask & lesions
    return Segmentation(field, classes, fitted, filled, options.mrf, threads)


def fit(field: Field, options: Options, workers: Workers) -> Classes:
    """Fit classes, posteriors and bias field; return the classes."""
    classes = start_classes(_sample(field), options.classes)
    classes = update(field, classes, 0.0, workers)
    if options.bias:
        for loop in range(MOST_BIAS_LOOPS):
            change = correct_bias(field, classes, options.bias_width_mm, workers)
            classes = update(field, classes, BIAS_SUPPORT * options.mrf, workers)
            if loop + 1 >= LEAST_BIAS_LOOPS and change < BIAS_TOLERANCE:
                break
    for _ in range(FINAL_LOOPS):
        classes = update(field, classes, options.mrf, workers)
    return classes


def place(volumes: Sequence[np.ndarray], lattice: Lattice, mask: np.ndarray) -> np.ndarray:
    """Return `volumes` (n, x, y, z) of the lattice on the grid of `mask`; 0 around it."""
    result = np.zeros((len(volumes), *mask.shape), np.float32)
    for target, volume in zip(result, volumes, strict=True):
        target[lattice.box] = volume[1:-1, 1:-1, 1:-1]
    return result


def _check(images: Sequence[np.ndarray], mask: np.ndarray) -> None:
    if not mask.any():
        raise StageError("the mask of the tissue segmentation is empty; look at the brain mask")
    for number, image in enumerate(images, start=1):
        low, high = image[mask].min(), image[mask].max()
        if not np.isfinite(high - low) or low == high:
            raise StageError(
                f"image {number} goes from {low} to {high} in the brain mask, "
                "which does not tell tissues apart"
            )


def _sample(field: Field) -> np.ndarray:
    """Return evenly strided logarithmic intensities (n, contrast)."""
    places = np.flatnonzero(field.lattice.inside)
    places = places[:: max(1, len(places) // SAMPLES)]
    return field.values.reshape(len(field.values), -1)[:, places].T.astype(float)
