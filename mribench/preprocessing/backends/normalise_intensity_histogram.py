"""Histograms matched to the mean quantile function of the training cases of a fold.

The mean over cases of their quantile functions is the reference (the Wasserstein
barycentre of their histograms). Each case is first brought to a scale of its own, here,
so that no scanner's units decide; it is matched when a case of the store is read.
"""

import numpy as np

from mribench.config import Histogram
from mribench.preprocessing.scales import Brain, between, find_landmarks

ROBUST_RANGE = (1.0, 99.0)


def normalise(brain: Brain, settings: Histogram) -> np.ndarray:
    """Return the values (n,) of one brain: 0 at the 1st percentile, 1 at the 99th.

    Raises
    ------
    StageError
        If both percentiles have the same value.
    """
    return between(brain, *find_landmarks(brain.values, ROBUST_RANGE))


def percents(settings: Histogram) -> np.ndarray:
    """Return the percentiles that are matched."""
    return np.linspace(0, 100, settings.levels)
