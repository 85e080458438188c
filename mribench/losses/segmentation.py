"""Losses for segmentation that look at voxels or regions; ``boundary`` has a file of its own.

A network gives one logit per class and voxel; the background's logit is fixed at 0.
The probability of class k is exp(y_k) / (1 + sum of exp(y_j)): with one class the
sigmoid, with several a softmax over classes and background. Labels hold 0 for
background, k for the k-th class and 255 for voxels that do not count.
"""

from collections.abc import Callable

import torch
from torch import Tensor

IGNORE = 255
SMOOTH = 1e-5
SMALLEST = 1e-10
FALSE_POSITIVES, FALSE_NEGATIVES = 0.3, 0.7
FOCUS = 2.0
Loss = Callable[[Tensor, Tensor], Tensor]


def with_background(logits: Tensor) -> Tensor:
    """Return logits (batch, 1 + classes, *space) with the background's zeros first."""
    return torch.cat((torch.zeros_like(logits[:, :1]), logits), dim=1)


def log_probabilities(logits: Tensor) -> Tensor:
    """Return log probabilities (batch, 1 + classes, *space) with the background first."""
    return with_background(logits).log_softmax(dim=1)


def probabilities(logits: Tensor) -> Tensor:
    """Return the probabilities (batch, classes, *space) of logits of the same shape."""
    return log_probabilities(logits)[:, 1:].exp()


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Return indicators (batch, 1 + classes, *space) of labels (batch, *space); ignored: all 0."""
    values = torch.arange(1 + classes, device=labels.device, dtype=labels.dtype)
    return (labels[:, None] == values.view(1, -1, *[1] * (labels.ndim - 1))).float()


def soft_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """Return 1 minus the soft Dice coefficient, averaged over the classes.

    Parameters
    ----------
    logits
        (batch, classes, *space).
    labels
        (batch, *space), unsigned integers.

    Notes
    -----
    The sums run over the whole batch, because single slices often hold no foreground.
    """
    shares, targets = probabilities(logits), one_hot(labels, logits.shape[1])
    known = targets.sum(dim=1, keepdim=True)
    axes = [0, *range(2, logits.ndim)]
    shares, targets = shares * known, targets[:, 1:]
    overlap = 2 * (shares * targets).sum(axes)
    volume = shares.sum(axes) + targets.sum(axes)
    return (1 - (overlap + SMOOTH) / (volume + SMOOTH)).mean()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy per voxel, averaged over the voxels that count.

    Shapes as in :func:`soft_dice`; 0 where no voxel counts.
    """
    targets = one_hot(labels, logits.shape[1])
    return -(targets * log_probabilities(logits)).sum() / targets.sum().clamp(min=1)


def dice_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the sum of :func:`soft_dice` and :func:`cross_entropy`."""
    return soft_dice(logits, labels) + cross_entropy(logits, labels)


def generalised_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """Return 1 minus the generalised Dice coefficient of all classes and the background.

    A class weighs 1 / (its voxels in the batch)², one that is absent as much as the heaviest
    that is present (Sudre et al., DLMIA 2017). Shapes as in :func:`soft_dice`.
    """
    from monai.losses.dice import GeneralizedDiceLoss

    targets = one_hot(labels, logits.shape[1])
    shares = log_probabilities(logits).exp() * targets.sum(dim=1, keepdim=True)
    peer = GeneralizedDiceLoss(smooth_nr=SMALLEST, smooth_dr=SMALLEST, batch=True)
    return peer(shares, targets)


def focal(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy with easy voxels weighed down by (1 - p)², over the known voxels.

    Lin et al., ICCV 2017, without class weights. Shapes as in :func:`soft_dice`.
    """
    from monai.losses.focal_loss import softmax_focal_loss

    targets = one_hot(labels, logits.shape[1])
    losses = softmax_focal_loss(with_background(logits).float(), targets, FOCUS)
    return losses.sum() / targets.sum().clamp(min=1)


def tversky(logits: Tensor, labels: Tensor) -> Tensor:
    """Return 1 minus the Tversky index, averaged over the classes.

    False positives weigh 0.3 and false negatives 0.7 (Salehi et al., MLMI 2017). Sums and
    shapes as in :func:`soft_dice`.
    """
    from monai.losses.tversky import TverskyLoss

    targets = one_hot(labels, logits.shape[1])
    shares = probabilities(logits) * targets.sum(dim=1, keepdim=True)
    peer = TverskyLoss(
        alpha=FALSE_POSITIVES,
        beta=FALSE_NEGATIVES,
        smooth_nr=SMOOTH,
        smooth_dr=SMOOTH,
        batch=True,
    )
    return peer(shares, targets[:, 1:])


LOSSES: dict[str, Loss] = {
    "dice_cross_entropy": dice_cross_entropy,
    "soft_dice": soft_dice,
    "cross_entropy": cross_entropy,
    "generalised_dice": generalised_dice,
    "focal": focal,
    "tversky": tversky,
}
