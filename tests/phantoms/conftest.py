"""A small data set of phantoms, one subject's anatomy, and a made-up real person."""

from pathlib import Path

import numpy as np
import pytest

from mribench.config import Phantoms
from mribench.dataset.phantoms.anatomy import Anatomy, make_anatomy
from mribench.dataset.phantoms.deformation import draw_deformation
from mribench.dataset.phantoms.simulate import simulate
from mribench.dataset.phantoms.sources import template_source
from mribench.files import make_image, write_image

SITES = {
    "north": {"spacing": (2.0, 2.0, 4.0), "t1w_spacing": (3.0, 3.0, 3.0)},
    "south": {"spacing": (3.0, 2.5, 3.0), "noise": 0.05, "bias": 0.3, "contrast": 0.9},
}
SETTINGS = Phantoms.model_validate(
    {"subjects": 2, "sites": SITES, "lesion_ml": (8, 25), "motion_mm": 3, "seed": 5}
)


@pytest.fixture(scope="session")
def settings() -> Phantoms:
    return SETTINGS


@pytest.fixture(scope="session")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects at two sites, made by two processes."""
    target = tmp_path_factory.mktemp("phantoms") / "bids"
    simulate(SETTINGS, ("T1w", "FLAIR"), target, workers=2)
    return target


@pytest.fixture(scope="session")
def anatomy() -> Anatomy:
    """A person of 60 years made from the template."""
    source = template_source()
    deformation = draw_deformation(np.random.default_rng(1), source, 60.0, 4.0)
    return make_anatomy(np.random.default_rng(2), source, deformation, 60.0)


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """A folder with a made-up brain of nested ellipsoids, stored LPS with 2 mm voxels."""
    folder = tmp_path / "someone"
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    affine[:3, 3] = (80.0, 95.0, -70.0)
    grid = np.indices((80, 95, 70)).astype(float)
    centred = (grid - np.array([40, 47, 35]).reshape(3, 1, 1, 1)) * 2

    def inside(*radii: float) -> np.ndarray:
        scaled = centred / np.array(radii).reshape(3, 1, 1, 1)
        return (scaled**2).sum(axis=0) < 1

    labels = np.zeros(grid.shape[1:], np.uint8)
    for value, radii in ((1, (66, 80, 60)), (2, (58, 72, 52)), (3, (44, 58, 38))):
        labels[inside(*radii)] = value
    ventricle = inside(30, 20, 10) & (abs(centred[0]) > 6)
    labels[ventricle] = 1
    lesions = np.zeros_like(labels)
    lesions[52:56, 46:50, 44:47] = 1
    write_image(folder / "dseg.nii.gz", make_image(labels, affine))
    write_image(folder / "lesion_mask.nii.gz", make_image(lesions, affine))
    return folder
