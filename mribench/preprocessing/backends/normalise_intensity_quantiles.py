"""The share of the brain that is darker than a voxel."""

import numpy as np
from scipy import stats

from mribench.config import Quantiles
from mribench.preprocessing.scales import Brain, positive


def normalise(brain: Brain, settings: Quantiles) -> np.ndarray:
    """Return the quantile (n,) of each voxel of one brain, in (0, 1).

    Equal values count half as darker, so their quantile is that of the middle one.

    Raises
    ------
    StageError
        If all values are the same.
    """
    positive(np.ptp(brain.values), brain)
    return (stats.rankdata(brain.values) - 0.5) / brain.values.size
