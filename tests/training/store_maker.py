"""Small case stores with bright blobs as lesions, for tests of training and methods."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mribench.training.store import CaseStore, write_case, write_manifest

CONTRASTS = ["T1w", "FLAIR"]
ZSCORE: dict[str, Any] = {"method": "zscore"}


def make_arrays(seed: int, shape: tuple[int, int, int]) -> tuple[NDArray, NDArray, NDArray]:
    """Return images (2, x, y, z), labels and mask: a noisy ellipsoid with bright balls."""
    rng = np.random.default_rng(seed)
    axes = [np.linspace(-1, 1, size) for size in shape]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    mask = x**2 + y**2 + z**2 < 0.9
    index = np.stack(np.indices(shape))
    labels = np.zeros(shape, dtype=np.uint8)
    for _ in range(4):
        centre = np.array([rng.uniform(0.35, 0.65) * size for size in shape])
        distance = np.sqrt(((index - centre[:, None, None, None]) ** 2).sum(axis=0))
        labels[(distance < rng.uniform(2, 4)) & mask] = 1
    noise = rng.normal(0, 0.3, (2, *shape))
    images = noise + np.stack([-1.0 * labels, 3.0 * labels])
    return np.where(mask, images, 0), labels, mask


def make_store(
    folder: Path,
    count: int,
    shape: tuple[int, int, int] = (36, 42, 18),
    intensity: dict[str, Any] = ZSCORE,
) -> CaseStore:
    """Pack `count` cases ``sub-01`` … with voxels of 2 mm."""
    cases = {}
    for number in range(1, count + 1):
        case = f"sub-{number:02d}"
        images, labels, mask = make_arrays(number, shape)
        cases[case] = {
            **write_case(folder, case, images, labels, mask),
            "subject": case,
            "site": "siteA",
            "affine": np.diag([2.0, 2, 2, 1]).tolist(),
            "spacing": [2.0, 2.0, 2.0],
            "reference_label": f"{case}_dseg.nii.gz",
            "target": {"shape": list(shape), "affine": np.diag([2.0, 2, 2, 1]).tolist()},
            "label_contrast": "FLAIR",
            "to_label": [],
        }
    preprocessing = {"variant": {"intensity": intensity}, "dataset": {}}
    write_manifest(folder / "manifest.json", "native", CONTRASTS, ["lesion"], cases, preprocessing)
    return CaseStore(folder / "manifest.json")
