"""Landmarks of the histogram on a standard scale, fitted on the training cases of a fold.

Nyul, Udupa and Zhang 2000 (IEEE Transactions on Medical Imaging 19); deciles as landmarks
as in Shah et al. 2011 (Medical Image Analysis 15). The first step, from two percentiles
to a fixed range, needs one case only and happens here; the second, from the case's
landmarks to the mean ones, when a case of the store is read.
"""

import numpy as np

from mribench.config import Nyul
from mribench.preprocessing.scales import Brain, between, find_landmarks


def normalise(brain: Brain, settings: Nyul) -> np.ndarray:
    """Return the values (n,) of one brain: 0 at the low percentile, 1 at the high one.

    Raises
    ------
    StageError
        If both percentiles have the same value.
    """
    low, high = find_landmarks(brain.values, (settings.low, settings.high))
    return between(brain, low, high)


def percents(settings: Nyul) -> np.ndarray:
    """Return the percentiles that are landmarks."""
    return np.array([settings.low, *settings.landmarks, settings.high])
