"""From 0 at the smallest value of the brain to 1 at the largest."""

import numpy as np

from mribench.config import MinMax
from mribench.preprocessing.scales import Brain, between


def normalise(brain: Brain, settings: MinMax) -> np.ndarray:
    """Return the values (n,) of one brain in [0, 1].

    Raises
    ------
    StageError
        If all values are the same.
    """
    return between(brain, brain.values.min(), brain.values.max())
