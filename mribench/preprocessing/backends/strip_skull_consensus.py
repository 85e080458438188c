"""What two of three say: deepbet, BET's surface, and BET's surface led by deepbet's brain.

deepbet never misses the brain but takes in fluid; the surface follows the brain's rim but can
leak out of it. Where surfaces from two different starts end at the same place, that is the
rim; where they do not, the network decides.
"""

import nibabel
import numpy as np

from mribench.config import Strip
from mribench.dataset.geometry import Grid
from mribench.preprocessing.backends import strip_skull_deepbet
from mribench.preprocessing.brain_surface.growth import brain_within
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("deepbet and BET surface", "deepbet")
READS = ("fraction",)


def find_brain(image: nibabel.Nifti1Image, settings: Strip, threads: int) -> np.ndarray:
    """Return the brain mask (x, y, z) of a T1-weighted image, on the CPU."""
    network = strip_skull_deepbet.find_brain(image, settings, threads)
    if not network.any():
        return network
    array, spacing = np.asarray(image.dataobj, dtype=np.float32), Grid.of(image).spacing
    free = brain_within(array, spacing, settings.fraction)
    led = brain_within(array, spacing, settings.fraction, network)
    return (free & led) | (network & (free | led))
