"""The multiplicative bias field, estimated between the steps of EM."""

import numpy as np
from scipy import ndimage

from mribench.preprocessing.hmrf import bias_kernels
from mribench.preprocessing.hmrf.field import Field
from mribench.preprocessing.hmrf.lattice import Workers
from mribench.preprocessing.hmrf.mixture import Classes

CELL_MM = 4.0
WIDTH_TO_SIGMA = 1 / np.sqrt(8 * np.log(2))
LEAST_WEIGHT = 1e-6


def correct_bias(field: Field, classes: Classes, width_mm: float, workers: Workers) -> float:
    """Estimate the bias field anew and subtract it from the logarithmic intensities.

    Each voxel's residual from its expected class mean is weighted by the inverse class
    variances; residuals and weights are smoothed by a Gaussian and divided (the filter
    of Wells et al., IEEE Transactions on Medical Imaging 15 (1996) 429-442, as in
    section V of the paper). Cells of about 4 mm carry the sums, which is fine enough
    for a Gaussian several times wider.

    Parameters
    ----------
    field
        Its values are replaced.
    classes
        The present classes.
    width_mm
        Full width at half maximum of the Gaussian in mm.
    workers
        Threads.

    Returns
    -------
    The standard deviation of the change of the field, a share of the intensity.
    """
    spacing = np.array(field.lattice.spacing)
    step = np.maximum(1, np.round(CELL_MM / spacing)).astype(np.int64)
    residuals, weights = _coarse_sums(field, classes, step, workers)
    sigma = width_mm * WIDTH_TO_SIGMA / (step * spacing)
    smooth = [_smooth(sums, sigma) for sums in (residuals, weights)]
    floor = LEAST_WEIGHT * smooth[1].max(axis=(1, 2, 3), keepdims=True)
    estimate = smooth[0] / np.maximum(smooth[1], floor)
    level = (estimate * weights).sum(axis=(1, 2, 3)) / weights.sum(axis=(1, 2, 3))
    estimate -= level[:, None, None, None]
    return _subtract(field, estimate.astype(np.float32), step, workers)


def _coarse_sums(
    field: Field, classes: Classes, step: np.ndarray, workers: Workers
) -> tuple[np.ndarray, np.ndarray]:
    shape = tuple(-(-np.array(field.lattice.inside.shape) // step))
    sums = np.zeros((2, len(field.values), *shape), np.float32)
    workers.run(
        bias_kernels.gather_residuals,
        np.arange(shape[0]),
        field.original,
        field.lattice.inside,
        field.lattice.extents,
        field.margins,
        classes.means.astype(np.float32),
        classes.variances.astype(np.float32),
        step,
        sums,
    )
    return sums[0].astype(float), sums[1].astype(float)


def _smooth(sums: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(sums, (0, *sigma), mode="constant")


def _subtract(field: Field, estimate: np.ndarray, step: np.ndarray, workers: Workers) -> float:
    changes = np.zeros((len(field.lattice.inside), 2))
    workers.run(
        bias_kernels.subtract_field,
        field.lattice.slabs,
        field.original,
        field.lattice.inside,
        field.lattice.extents,
        estimate,
        step,
        field.values,
        changes,
    )
    count, squares = changes.sum(axis=0)
    return float(np.sqrt(squares / count))
