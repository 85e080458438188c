"""What is bright on FLAIR without being a lesion, so that a threshold is not enough.

Thin bands along the ventricles, choroid plexus, and parts of the cortex that are
brighter than others; Source: Neema et al., Journal of Neuroimaging 19 (2009) 3-8.
Bright flow in cerebrospinal fluid belongs to one scan and is made there.
"""

from dataclasses import dataclass

import numpy as np

from mribench.dataset.phantoms.anatomy import Anatomy
from mribench.dataset.phantoms.fields import smooth_field

BAND_MM = 1.2
BAND_STRENGTH = 0.22
CORTEX_STRENGTH = 0.1


@dataclass(frozen=True)
class Mimics:
    """Changes of signal that no rater would mark, on the anatomy's box.

    Attributes
    ----------
    strength
        Share by which the signal goes from white matter towards that of gliosis.
    choroid
        Share of each voxel that looks like grey matter instead of fluid.
    """

    strength: np.ndarray
    choroid: np.ndarray


def draw_mimics(generator: np.random.Generator, anatomy: Anatomy) -> Mimics:
    """Draw a subject's bright bands, bright cortex and choroid plexus."""

    def field(knot_mm: float) -> np.ndarray:
        return smooth_field(generator, anatomy.ventricles.shape, (1.0,) * 3, knot_mm)

    grey, _, fluid = anatomy.tissues
    band = np.exp(-(((anatomy.ventricles - 0.5) / BAND_MM) ** 2)) * (1 - fluid)
    strength = BAND_STRENGTH * band * np.clip(field(12.0) + 0.7, 0, 2)
    strength += CORTEX_STRENGTH * grey * np.clip(field(8.0) - 0.3, 0, 2.5)
    inside = np.clip(-anatomy.ventricles, 0, 1)
    choroid = fluid * inside * np.clip(2 * (field(4.0) - 1.1), 0, 1)
    return Mimics(strength, choroid)
