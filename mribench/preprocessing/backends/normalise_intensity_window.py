"""A window of fixed values, as radiologists set it on CT.

DICOM PS3.3 C.11.2.1.3.2, LINEAR_EXACT, with an output from 0 to 1.
"""

import numpy as np

from mribench.config import Window
from mribench.preprocessing.scales import Brain


def normalise(brain: Brain, settings: Window) -> np.ndarray:
    """Return the place (n,) of the values of one brain in the window, in [0, 1]."""
    return np.clip((brain.values - settings.centre) / settings.width + 0.5, 0, 1)
