"""What several tests share."""

import itertools

import numpy as np

ORIENTATIONS = [
    "".join(codes)
    for order in itertools.permutations(["RL", "AP", "SI"])
    for codes in itertools.product(*order)
]


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Overlap of two masks (x, y, z), 0 to 1."""
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))
