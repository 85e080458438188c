"""Metrics that count voxels.

All take two boolean masks (x, y, z) of one shape. They are 0/0 for some empty masks;
what counts then is the preset's rule (:class:`mribench.metrics.conventions.Empty`), so
callers ask for it first.
"""

import numpy as np


def counts(reference: np.ndarray, prediction: np.ndarray) -> tuple[int, int, int]:
    """Return the numbers of true positive, false positive and false negative voxels."""
    shared = int(np.count_nonzero(reference & prediction))
    return (
        shared,
        int(np.count_nonzero(prediction)) - shared,
        int(np.count_nonzero(reference)) - shared,
    )


def dice(reference: np.ndarray, prediction: np.ndarray) -> float:
    """Return 2 TP / (2 TP + FP + FN) (Dice, 1945)."""
    hits, false, missed = counts(reference, prediction)
    return 2 * hits / (2 * hits + false + missed)


def jaccard(reference: np.ndarray, prediction: np.ndarray) -> float:
    """Return TP / (TP + FP + FN), the intersection over union."""
    hits, false, missed = counts(reference, prediction)
    return hits / (hits + false + missed)


def precision(reference: np.ndarray, prediction: np.ndarray) -> float:
    """Return TP / (TP + FP)."""
    hits, false, _ = counts(reference, prediction)
    return hits / (hits + false)


def recall(reference: np.ndarray, prediction: np.ndarray) -> float:
    """Return TP / (TP + FN)."""
    hits, _, missed = counts(reference, prediction)
    return hits / (hits + missed)


def normalised_dice(
    reference: np.ndarray, prediction: np.ndarray, load: float, voxels: int
) -> float:
    """Return Dice with the false positives of a case whose lesion load is `load`.

    Dice rises with the lesion load at a constant rate of errors. Here FP is scaled by
    (1 - load) G / (load (N - G)), with G lesion voxels among N (Raina et al., Tackling
    bias in the Dice similarity coefficient, ISBI 2023).

    Parameters
    ----------
    load
        The common load, as a share of the image.
    voxels
        N, the voxels of the whole image.
    """
    hits, false, missed = counts(reference, prediction)
    lesion = hits + missed
    if lesion in (0, voxels):
        return dice(reference, prediction)
    scale = (1 - load) * lesion / (load * (voxels - lesion))
    return 2 * hits / (2 * hits + scale * false + missed)
