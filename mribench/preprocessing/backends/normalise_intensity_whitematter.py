"""Mean 0 and standard deviation 1 inside the white matter.

The idea is that of WhiteStripe (Shinohara et al. 2014, NeuroImage: Clinical 6): white
matter is the tissue that disease and site change least. Here the tissue map says where
it is, not the histogram.
"""

import numpy as np

from mribench.config import WhiteMatter
from mribench.preprocessing.checks import fail
from mribench.preprocessing.scales import Brain, positive

WHITE = 2
LEAST_VOXELS = 100


def normalise(brain: Brain, settings: WhiteMatter) -> np.ndarray:
    """Return the scores (n,) of one brain against its white matter.

    Raises
    ------
    StageError
        If there are fewer than 100 voxels of white matter, or all have the same value.
    """
    white = brain.values[brain.tissues == WHITE]
    if white.size < LEAST_VOXELS:
        found = f"{white.size} voxels of white matter on the variant's grid"
        remedy = "look at the tissue map, or choose another intensity.method"
        raise fail(brain.file, found, f"at least {LEAST_VOXELS}", remedy)
    return (brain.values - white.mean()) / positive(white.std(), brain)
