"""Several predictions of one case averaged: of mirrored images, and of several models."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from mribench.training.store import Case

AXES = ("x", "y", "z")


def average_flips(
    predict: Callable[[Case], np.ndarray], case: Case, axes: Sequence[str]
) -> np.ndarray:
    """Return the probabilities averaged over the case and its mirror images.

    Parameters
    ----------
    predict
        Returns probabilities (classes, x, y, z) of a case.
    case
        The case.
    axes
        Of x, y and z; all combinations are taken, so n axes need 2ⁿ predictions.
    """
    chosen = [flipped for count in range(len(axes) + 1) for flipped in combinations(axes, count)]
    return average(_predict_mirrored(predict, case, flipped) for flipped in chosen)


def average(predictions: Iterable[np.ndarray]) -> np.ndarray:
    """Return the mean of arrays of probabilities; one alone comes back as it is."""
    arrays = list(predictions)
    if len(arrays) == 1:
        return arrays[0]
    return np.asarray(np.mean(np.stack(arrays), axis=0, dtype=np.float32))


def mirror(case: Case, axes: Sequence[str]) -> Case:
    """Return a case with its arrays reversed along axes; its voxels keep their size."""
    chosen = tuple(AXES.index(axis) for axis in axes)
    return replace(
        case,
        images=np.flip(np.asarray(case.images), tuple(1 + axis for axis in chosen)),
        labels=np.flip(case.labels, chosen),
        mask=np.flip(case.mask, chosen),
    )


def _predict_mirrored(
    predict: Callable[[Case], np.ndarray], case: Case, axes: Sequence[str]
) -> np.ndarray:
    if not axes:
        return predict(case)
    return np.flip(predict(mirror(case, axes)), tuple(1 + AXES.index(axis) for axis in axes))
