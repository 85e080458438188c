"""A small synthetic head, and the environment that makes ANTs repeat its bytes."""

import os

os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")
os.environ.setdefault("ANTS_RANDOM_SEED", "1")

from typing import NamedTuple

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from mribench.files import make_image

SPACING = 4.0
SHAPE = (48, 56, 46)
SCALP, SKULL = 5, 4
BRIGHTNESS = {"T1w": (0, 60, 100, 25, 5, 120), "FLAIR": (0, 110, 80, 20, 8, 95)}


class Head(NamedTuple):
    """Images of one synthetic head with its truth: 1 GM, 2 WM, 3 CSF, 4 skull, 5 scalp."""

    images: dict[str, nibabel.Nifti1Image]
    tissues: np.ndarray

    @property
    def brain(self) -> np.ndarray:
        """Grey and white matter and fluid."""
        return (self.tissues >= 1) & (self.tissues <= 3)

    @property
    def affine(self) -> np.ndarray:
        """Voxel to RAS mm."""
        return self.images["T1w"].affine


@pytest.fixture(scope="session")
def head() -> Head:
    """A head of nested, lopsided ellipsoids at 4 mm: about 1,400 ml of brain."""
    affine = np.diag([SPACING, SPACING, SPACING, 1.0])
    affine[:3, 3] = -SPACING * (np.array(SHAPE) - 1) / 2 + [3, -5, 2]
    centre = (np.array(SHAPE).reshape(3, 1, 1, 1) - 1) / 2
    x, y, z = (np.indices(SHAPE) - centre) * SPACING
    lopsided = x + 0.15 * y
    radius = np.sqrt((lopsided / 62) ** 2 + (y / 80) ** 2 + ((z - 0.1 * y) / 66) ** 2)
    ventricle = np.sqrt(((abs(x) - 14) / 9) ** 2 + (y / 28) ** 2 + ((z - 6) / 12) ** 2) < 1
    tissues = np.zeros(SHAPE, dtype=np.uint8)
    bands = ((1.24, SCALP), (1.12, SKULL), (1.0, 3), (0.95, 1), (0.76, 2))
    for edge, tissue in bands:
        tissues[radius < edge] = tissue
    tissues[ventricle] = 3
    random = np.random.default_rng(3)
    images = {}
    for contrast, values in BRIGHTNESS.items():
        blurred = ndimage.gaussian_filter(np.array(values, dtype=float)[tissues], 0.4)
        array = np.abs(blurred + random.normal(0, 2, SHAPE))
        images[contrast] = make_image(array.astype(np.float32), affine)
    return Head(images, tissues)
