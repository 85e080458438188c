"""How good a network is on whole validation cases."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mribench.losses.segmentation import IGNORE, log_probabilities
from mribench.training.ranks import ALONE, Ranks
from mribench.training.store import Case


class Score(NamedTuple):
    """Loss and Dice of a set of cases."""

    loss: float
    dice: float


def validate(
    predict: Callable[[Case], Tensor],
    cases: Sequence[Case],
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
    check: Callable[[], None] = lambda: None,
    ranks: Ranks = ALONE,
) -> Score:
    """Predict whole cases and return the means of their losses and Dice coefficients.

    Parameters
    ----------
    predict
        Returns logits (classes, x, y, z) of a case.
    cases
        Labelled cases.
    loss
        Loss of the training, of logits, labels and spacings.
    check
        Called before each case; may raise to end the validation.
    ranks
        The processes of the training: each predicts every so manieth case, and all know the
        means of all.
    """
    scores = torch.zeros((len(cases), 2), dtype=torch.float64)
    with torch.inference_mode():
        for first in range(0, len(cases), ranks.size):
            check()
            number = first + ranks.rank
            if number < len(cases):
                scores[number] = scores.new_tensor(score(predict, cases[number], loss))
    losses, overlaps = ranks.total(scores).T.tolist()
    return Score(fmean(losses), fmean(overlaps))


def score(
    predict: Callable[[Case], Tensor],
    case: Case,
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Score:
    """Predict a whole case and return its loss and its Dice coefficient."""
    logits = predict(case)
    labels = torch.from_numpy(np.array(case.labels)).to(logits.device)
    overlap = mean_dice(decide(logits), labels, logits.shape[0])
    return Score(float(loss(logits[None], labels[None], torch.tensor([case.spacing]))), overlap)


def decide(logits: Tensor) -> Tensor:
    """Return the most probable class (x, y, z), 0 for background, of logits (classes, x, y, z)."""
    return log_probabilities(logits[None])[0].argmax(dim=0)


def mean_dice(predicted: Tensor, labels: Tensor, classes: int) -> float:
    """Return the Dice coefficient averaged over classes; 1 where a class is absent from both.

    Voxels with label 255 do not count.
    """
    known = labels != IGNORE
    scores = []
    for value in range(1, 1 + classes):
        first, second = (predicted == value) & known, labels == value
        total = int(first.sum()) + int(second.sum())
        scores.append(2 * int((first & second).sum()) / total if total else 1.0)
    return fmean(scores)
