"""What the methods of intensity normalisation share: the brain they see, and landmarks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mribench.preprocessing.checks import fail

TOGETHER = 1e-6


class Brain(NamedTuple):
    """The voxels of one image inside the brain mask.

    Attributes
    ----------
    values
        Intensities (n,), float64.
    tissues
        Tissue of each voxel (n,): 1 grey matter, 2 white matter, 3 fluid, 0 none.
    file
        The image to be written, for messages.
    """

    values: np.ndarray
    tissues: np.ndarray
    file: object


def between(brain: Brain, low: float, high: float) -> np.ndarray:
    """Return the values on the scale where `low` is 0 and `high` is 1.

    Raises
    ------
    StageError
        If the two are the same.
    """
    return (brain.values - low) / positive(high - low, brain)


def positive(spread: float, brain: Brain) -> float:
    """Return `spread`, which values are divided by.

    Raises
    ------
    StageError
        If it is not positive.
    """
    if spread > 0:
        return spread
    found = f"a brain whose intensities cannot be scaled (divisor {spread:g})"
    remedy = "look at the image and its brain mask, or choose another intensity.method"
    raise fail(brain.file, found, "an image", remedy)


def find_landmarks(values: np.ndarray, percents: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the percentiles of `values` (n,), float64, interpolated linearly."""
    return np.percentile(values.astype(np.float64), percents)


def follow_landmarks(values: np.ndarray, own: np.ndarray, standard: np.ndarray) -> np.ndarray:
    """Map values piecewise linearly, so that landmarks fall on those of a standard scale.

    Parameters
    ----------
    values
        Intensities of a case.
    own, standard
        Landmarks of the case and of the scale, both growing. Where landmarks of the case
        fall together, within a millionth of their range, they go to the mean of their
        places on the scale.

    Returns
    -------
    Beyond the first and the last landmark the nearest piece goes on straight.
    """
    is_first = np.r_[True, np.diff(own) > TOGETHER * np.ptp(own)]
    group = np.cumsum(is_first) - 1
    places, targets = own[is_first], np.bincount(group, standard) / np.bincount(group)
    if len(places) == 1:
        return values - places[0] + targets[0]
    piece = np.clip(np.searchsorted(places, values, side="right") - 1, 0, len(places) - 2)
    share = (values - places[piece]) / (places[piece + 1] - places[piece])
    return targets[piece] * (1 - share) + targets[piece + 1] * share
