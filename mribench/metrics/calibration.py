"""Metrics of a label's probability: whether it means what it says, and where it is unsure."""

from typing import NamedTuple

import numpy as np


class Confidence(NamedTuple):
    """The probability of one label in all voxels that are scored, flattened.

    Attributes
    ----------
    probability
        From 0 to 1.
    reference, prediction
        Booleans: the truth, and the label as it was predicted.
    """

    probability: np.ndarray
    reference: np.ndarray
    prediction: np.ndarray


def calibration_error(confidence: Confidence, bins: int) -> float:
    """Return the expected calibration error (Guo et al., ICML 2017) of a binary label.

    That is the mean over voxels of the difference, within their bin of probability, between
    the mean probability and the share of the label. A bin holds its upper edge.
    """
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    places = np.searchsorted(edges, confidence.probability)
    probability = np.bincount(places, confidence.probability, bins)
    truth = np.bincount(places, confidence.reference, bins)
    return float(np.abs(probability - truth).sum() / len(places))


def brier(confidence: Confidence) -> float:
    """Return the mean squared difference of probability and truth (Brier, 1950)."""
    return float(np.mean((confidence.probability - confidence.reference) ** 2))


def retention(confidence: Confidence, load: float, steps: int) -> float:
    """Return the area under the retention curve of the normalised Dice (Shifts 2.0, 2022).

    The voxels are sorted by the entropy of the probability. Point by point the predictions of
    the surest voxels are kept and the truth put in the place of the others; the shares kept
    are log(1..steps) / log(steps), because only few voxels are unsure at all. Where voxels
    are equally sure, their errors enter in proportion.

    Parameters
    ----------
    confidence
        Probability, truth and prediction.
    load
        The load of the normalised Dice (:func:`mribench.metrics.overlap.normalised_dice`).
    steps
        Points of the curve.
    """
    number, lesion = len(confidence.probability), int(np.count_nonzero(confidence.reference))
    shares = np.log(np.arange(1, steps + 1)) / np.log(steps)
    kept = np.floor(number * shares)
    doubt = 0.5 - np.abs(confidence.probability - 0.5)
    ordered = np.sort(doubt)
    false = _errors(doubt[confidence.prediction & ~confidence.reference], ordered, kept)
    missed = _errors(doubt[confidence.reference & ~confidence.prediction], ordered, kept)
    scale = 1.0
    if 0 < lesion < number:
        scale = (1 - load) * lesion / (load * (number - lesion))
    hits = 2 * (lesion - missed)
    total = hits + scale * false + missed
    curve = np.divide(hits, total, out=np.ones(steps), where=total > 0)
    return float(np.trapezoid(curve, shares))


def _errors(doubt: np.ndarray, ordered: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return how many errors are among the surest `kept` voxels, for each entry of `kept`."""
    levels, counts = np.unique(doubt, return_counts=True)
    first = np.searchsorted(ordered, levels)
    after = np.searchsorted(ordered, levels, side="right")
    reached = (kept[:, None] - first) / np.maximum(after - first, 1)
    return np.clip(reached, 0, 1) @ counts
