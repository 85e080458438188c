"""Divided by the mean of the brain."""

import numpy as np

from mribench.config import Mean
from mribench.preprocessing.scales import Brain, positive


def normalise(brain: Brain, settings: Mean) -> np.ndarray:
    """Return the values (n,) of one brain as multiples of their mean.

    Raises
    ------
    StageError
        If the mean is not positive.
    """
    return brain.values / positive(brain.values.mean(), brain)
