"""From 0 at a low percentile of the brain to 1 at a high one, clipped there."""

import numpy as np

from mribench.config import Percentile
from mribench.preprocessing.scales import Brain, between, find_landmarks


def normalise(brain: Brain, settings: Percentile) -> np.ndarray:
    """Return the values (n,) of one brain between its two percentiles, in [0, 1].

    Raises
    ------
    StageError
        If both percentiles have the same value.
    """
    low, high = find_landmarks(brain.values, (settings.low, settings.high))
    return np.clip(between(brain, low, high), 0, 1)
