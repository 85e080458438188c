"""The boundary loss (Kervadec et al., MIDL 2019) and its sum with the generalised Dice loss.

Equation 5: the mean of probability times signed distance to the reference's boundary,
negative inside. Equation 6 with the paper's schedule: α falls from 1 by 0.01 an epoch to
0.01. Decisions: distances are in mm and real numbers; between an inner and an outer voxel
the boundary lies in the middle, so both have the same distance; a class that is absent,
or fills the patch, has a map of zeros, as the paper has for slices without foreground.
"""

from collections.abc import Callable, Sequence

import edt
import numpy as np
import torch
from torch import Tensor

from mribench.losses.segmentation import (
    IGNORE,
    LOSSES,
    generalised_dice,
    probabilities,
)

STEP = 0.01
LOWEST = 0.01
TrainingLoss = Callable[[Tensor, Tensor, Tensor, int], Tensor]


def signed_distance(mask: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Return the distance of each voxel to the nearest voxel of the other kind, in mm.

    Parameters
    ----------
    mask
        Boolean, two or three axes.
    spacing
        Voxel size along them in mm.

    Returns
    -------
    float32 of the same shape, negative inside; all 0 where there is only one kind.
    """
    if mask.all() or not mask.any():
        return np.zeros(mask.shape, dtype=np.float32)
    sizes = tuple(float(size) for size in spacing)
    mask = np.ascontiguousarray(mask)
    return edt.edt(~mask, anisotropy=sizes) - edt.edt(mask, anisotropy=sizes)


def distance_maps(labels: Tensor, classes: int, spacings: Tensor) -> Tensor:
    """Return signed distances (batch, classes, *space) in mm of labels (batch, *space)."""
    values = labels.cpu().numpy()
    maps = [
        [signed_distance(patch == value, spacing) for value in range(1, 1 + classes)]
        for patch, spacing in zip(values, spacings.tolist(), strict=True)
    ]
    return torch.from_numpy(np.array(maps, dtype=np.float32)).to(labels.device)


def boundary(logits: Tensor, labels: Tensor, spacings: Tensor) -> Tensor:
    """Return probability times signed distance, averaged over classes and known voxels.

    Parameters
    ----------
    logits
        (batch, classes, *space).
    labels
        (batch, *space), unsigned integers; 255 does not count, and is not inside a class.
    spacings
        Voxel size in mm (batch, axes).
    """
    known = (labels != IGNORE)[:, None]
    products = probabilities(logits) * distance_maps(labels, logits.shape[1], spacings) * known
    return products.sum() / (known.sum() * logits.shape[1]).clamp(min=1)


def boundary_and_regions(logits: Tensor, labels: Tensor, spacings: Tensor, epoch: int) -> Tensor:
    """Return α times the generalised Dice loss plus 1 - α times :func:`boundary`.

    `epoch` counts the epochs that are done; the other arguments as in :func:`boundary`.
    """
    share = max(LOWEST, 1 - STEP * epoch)
    regions = generalised_dice(logits, labels)
    return share * regions + (1 - share) * boundary(logits, labels, spacings)


def choose_loss(name: str) -> TrainingLoss:
    """Return the loss of a name as a function of logits, labels, spacings and epochs done."""
    if name == "boundary":
        return boundary_and_regions
    plain = LOSSES[name]
    return lambda logits, labels, spacings, epoch: plain(logits, labels)
