"""The paired permutation test: which signs the differences could have had."""

from functools import lru_cache

import numpy as np

EXACT_UP_TO = 20
DRAWS = 9999
SEED = 0
TOLERANCE = 1e-9


def sign_flip_p(differences: np.ndarray) -> tuple[float, bool]:
    """Return the two-sided p value of the mean under random signs (Fisher, 1935, section 21).

    Up to 20 non-zero differences every assignment of signs is counted. Beyond, 9999
    assignments are drawn with a fixed seed and the observed one counts with them, so that
    p is never 0 (Phipson and Smyth, 2010).

    Parameters
    ----------
    differences
        One number per pair, not all 0.

    Returns
    -------
    The p value, and whether it is exact.
    """
    nonzero = np.abs(differences[differences != 0])
    # Sums that differ in their last bits only are equal.
    bound = abs(differences.sum()) - TOLERANCE * nonzero.sum()
    if len(nonzero) <= EXACT_UP_TO:
        return float(np.mean(np.abs(all_sums(nonzero)) >= bound)), True
    drawn = random_signs(len(nonzero)) @ nonzero
    return float((np.count_nonzero(np.abs(drawn) >= bound) + 1) / (DRAWS + 1)), False


def all_sums(sizes: np.ndarray) -> np.ndarray:
    """Return the sums under all signs; the first stays positive, as the others mirror them."""
    sums = sizes[:1]
    for size in sizes[1:]:
        sums = np.concatenate([sums + size, sums - size])
    return sums


@lru_cache(maxsize=4)
def random_signs(number: int) -> np.ndarray:
    """Return 9999 draws of `number` signs (draws x number)."""
    random = np.random.default_rng(SEED)
    signs: np.ndarray = random.integers(0, 2, size=(DRAWS, number)) * 2.0 - 1
    return signs
