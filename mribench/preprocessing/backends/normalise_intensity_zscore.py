"""Mean 0 and standard deviation 1 inside the brain."""

import numpy as np

from mribench.config import ZScore
from mribench.preprocessing.scales import Brain, positive


def normalise(brain: Brain, settings: ZScore) -> np.ndarray:
    """Return the standard scores (n,) of one brain.

    Raises
    ------
    StageError
        If all values are the same.
    """
    return (brain.values - brain.values.mean()) / positive(brain.values.std(), brain)
