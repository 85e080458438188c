"""White-matter lesions with the spatial pattern of multiple sclerosis and vascular disease.

Density falls with distance from the ventricles, sizes are log-normal, shapes irregular
and stretched away from the ventricles, and a high load makes neighbours run together.
Sources: Narayanan et al., NeuroImage 1997 (periventricular distribution of lesion
probability); Wang et al., Stroke 2012 (log-normal lesion sizes).
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mribench.dataset.phantoms.anatomy import Anatomy
from mribench.dataset.phantoms.fields import smooth_field

NEAR_MM, FAR_MM, FAR_SHARE = 4.0, 18.0, 0.06
SMALLEST_ML = 0.02
SPREAD = 1.1
WHITE_ENOUGH = 0.6
CONTRAST = (0.2, 0.6)


@dataclass(frozen=True)
class Lesions:
    """Lesions on the anatomy's box.

    Attributes
    ----------
    fraction
        Share of each voxel that is lesion, 0 to 1.
    strength
        Share by which each voxel's signal goes from white matter towards that of
        gliosis; beyond the lesions it is the diffuse change around them.
    """

    fraction: np.ndarray
    strength: np.ndarray


def draw_lesions(
    generator: np.random.Generator, anatomy: Anatomy, range_ml: tuple[float, float]
) -> Lesions:
    """Draw a subject's lesions, or take those of a given anatomy.

    Parameters
    ----------
    generator
        Source of randomness.
    anatomy
        The brain.
    range_ml
        Range of the total load in ml; the load is log-uniform in it.
    """
    if anatomy.lesions is not None:
        parts, count = ndimage.label(anatomy.lesions > 0.5)
        strengths = generator.uniform(*CONTRAST, count + 1).astype(np.float32)
        return Lesions(anatomy.lesions, diffuse(anatomy.lesions, strengths[parts]))
    load_ml = float(np.exp(generator.uniform(*np.log(range_ml))))
    mask, strength = grow_lesions(generator, anatomy, load_ml)
    fraction = ndimage.gaussian_filter(mask.astype(np.float32), 0.6) * anatomy.tissues[1]
    return Lesions(fraction, diffuse(fraction, strength) * anatomy.brain)


def diffuse(fraction: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Return the change of signal: the lesions' own strength, fading out around them."""
    core = ndimage.gaussian_filter(strength * (fraction > 0.5), 0.7)
    return np.maximum(core, 0.25 * ndimage.gaussian_filter(core, 2.5))


def seed_density(anatomy: Anatomy) -> np.ndarray:
    """Return the unnormalised probability that a lesion starts in each voxel of the box.

    It falls exponentially with the distance from the ventricles, with a small share
    that falls more slowly: deep and juxtacortical lesions.
    """
    away = np.maximum(anatomy.ventricles - 2, 0)
    fall = np.exp(-away / NEAR_MM) + FAR_SHARE * np.exp(-away / FAR_MM)
    white = anatomy.tissues[1]
    return np.where((white > WHITE_ENOUGH) & (anatomy.ventricles > 1), white * fall, 0)


def grow_lesions(
    generator: np.random.Generator, anatomy: Anatomy, load_ml: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return lesion mask and strength after lesions of `load_ml` in total have grown."""
    free = anatomy.tissues[1] > WHITE_ENOUGH
    strength = np.zeros(free.shape, np.float32)
    rough = smooth_field(generator, free.shape, (1.0,) * 3, 3.0)
    chances = np.cumsum(seed_density(anatomy).ravel(), dtype=np.float64)
    median_ml = 0.06 * load_ml**0.45
    left = round(load_ml * 1000)
    while left > 0:
        drawn = median_ml * np.exp(SPREAD * generator.standard_normal())
        size = min(left, round(1000 * max(drawn, SMALLEST_ML)))
        start = np.searchsorted(chances, generator.uniform(0, chances[-1]), side="right")
        centre = np.array(np.unravel_index(start, free.shape))
        patch, chosen = grow_one(generator, anatomy, free, rough, centre, size)
        free[patch] &= ~chosen
        strength[patch][chosen] = generator.uniform(*CONTRAST)
        left -= int(chosen.sum())
    return strength > 0, strength


def grow_one(
    generator: np.random.Generator,
    anatomy: Anatomy,
    free: np.ndarray,
    rough: np.ndarray,
    centre: np.ndarray,
    size: int,
) -> tuple[tuple[slice, ...], np.ndarray]:
    """Return a patch around `centre` and the `size` voxels in it that become lesion.

    They are the free voxels nearest to the centre in a metric that is stretched
    along the direction away from the ventricles and disturbed by the field `rough`.
    """
    reach = int(np.ceil(2.2 * (3 * size / (4 * np.pi)) ** (1 / 3))) + 2
    patch = tuple(
        slice(max(0, at - reach), min(end, at + reach + 1))
        for at, end in zip(centre, free.shape, strict=True)
    )
    shape = [part.stop - part.start for part in patch]
    offsets = np.moveaxis(np.indices(shape), 0, -1) - (centre - [part.start for part in patch])
    outward = outward_direction(anatomy.ventricles, centre)
    along = offsets @ outward
    stretch = generator.uniform(1.0, 2.2)
    squared = (offsets**2).sum(axis=-1) - along**2 * (1 - 1 / stretch**2)
    distance = np.sqrt(np.maximum(squared, 0)) * np.exp(0.3 * rough[patch])
    distance[~free[patch]] = np.inf
    count = min(size, int(free[patch].sum()))
    chosen = np.zeros(distance.shape, bool)
    chosen.ravel()[np.argsort(distance, axis=None, kind="stable")[:count]] = True
    return patch, chosen


def outward_direction(ventricles: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the unit vector away from the ventricles at voxel `centre`."""
    low = np.maximum(centre - 2, 0)
    high = np.minimum(centre + 2, np.array(ventricles.shape) - 1)
    slope = np.array(
        [
            ventricles[tuple(np.where(np.arange(3) == axis, high, centre))]
            - ventricles[tuple(np.where(np.arange(3) == axis, low, centre))]
            for axis in range(3)
        ],
        dtype=float,
    )
    return slope / max(float(np.linalg.norm(slope)), 1e-6)
