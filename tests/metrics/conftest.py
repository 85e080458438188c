"""Fixtures of the metric tests."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from scipy import ndimage

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def blobs(seed: int, shape: tuple[int, int, int], share: float) -> np.ndarray:
    """Smooth random blobs that fill about `share` of the volume."""
    noise = np.random.default_rng(seed).normal(size=shape)
    field = ndimage.gaussian_filter(noise, 1.3)
    return field > np.quantile(field, 1 - share)


@pytest.fixture(scope="session")
def random_masks() -> list[tuple[np.ndarray, np.ndarray]]:
    """Six pairs of volumes with some 20 lesions, the second like the first but not the same."""
    pairs = []
    for seed in range(6):
        shape = (40 + seed, 36, 24 - seed)
        reference = blobs(seed, shape, 0.05)
        shifted = np.roll(reference, (1, seed % 2, 1), axis=(0, 1, 2))
        pairs.append(
            (reference, (shifted & blobs(seed + 50, shape, 0.8)) | blobs(seed + 90, shape, 0.01))
        )
    return pairs
