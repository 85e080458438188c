"""Metrics that compare volumes."""

import numpy as np


def volume_difference(
    reference: np.ndarray, prediction: np.ndarray, voxel_mm3: float, form: str, unit: str
) -> float:
    """Return predicted minus reference volume.

    Parameters
    ----------
    reference, prediction
        Boolean masks (x, y, z) of one shape.
    voxel_mm3
        Volume of one voxel.
    form
        ``absolute`` drops the sign, ``signed`` keeps it.
    unit
        ``percent`` of the reference's volume, or ``ml``.
    """
    expected = int(np.count_nonzero(reference))
    difference = int(np.count_nonzero(prediction)) - expected
    value = 100 * difference / expected if unit == "percent" else difference * voxel_mm3 / 1000
    return abs(value) if form == "absolute" else value


def log_volume_ratio(reference: np.ndarray, prediction: np.ndarray, form: str) -> float:
    """Return the natural logarithm of predicted over reference volume, neither of them 0.

    Parameters
    ----------
    reference, prediction
        Boolean masks (x, y, z) of one shape.
    form
        ``absolute`` drops the sign, ``signed`` keeps it.
    """
    value = float(np.log(np.count_nonzero(prediction) / np.count_nonzero(reference)))
    return abs(value) if form == "absolute" else value
