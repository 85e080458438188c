"""Dice and border distance lesion by lesion, as in the BraTS challenges since 2023.

Each lesion of the reference is compared with all predicted lesions that meet it; a predicted
lesion that meets none is a false one. The mean runs over the lesions of the reference and the
false ones (Moawad et al., The brain tumor segmentation BraTS-METS challenge 2023).
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mribench.metrics.components import is_counted
from mribench.metrics.conventions import Lesions, Surface
from mribench.metrics.lesions import Found, LesionMaps, meet
from mribench.metrics.masks import Masks
from mribench.metrics.surface import border_distances, hausdorff


class Counterparts(NamedTuple):
    """The lesions of the reference that count, each with the predicted lesions that meet it.

    Attributes
    ----------
    dice
        Dice of each lesion with its counterparts together.
    numbers
        The lesion's number in the map of the reference.
    partners
        The numbers of its counterparts in the map of the prediction.
    """

    dice: np.ndarray
    numbers: np.ndarray
    partners: list[np.ndarray]


def find_counterparts(masks: Masks, maps: LesionMaps, lesions: Lesions) -> Counterparts:
    """Return the counterparts of every lesion of the reference that counts.

    Parameters
    ----------
    masks
        The two masks.
    maps
        Their lesions (:func:`mribench.metrics.lesions.map_lesions`).
    lesions
        The convention behind the maps.
    """
    pairs = meet(maps, masks.prediction)
    inside = meet(maps, masks.reference & masks.prediction)
    number = len(maps.reference_sizes)
    shared = np.bincount(inside.first, inside.shared, number)
    predicted = np.bincount(pairs.first, maps.prediction_sizes[pairs.second], number)
    dice = 2 * shared / (maps.reference_sizes + predicted)
    counted = np.flatnonzero(is_counted(maps.reference_sizes, lesions, masks.voxel_mm3))
    # Pairs come sorted by the lesion of the reference.
    edges = np.searchsorted(pairs.first, [counted, counted + 1])
    partners = [pairs.second[low:high] + 1 for low, high in edges.T]
    return Counterparts(dice[counted], counted + 1, partners)


def lesionwise_dice(counterparts: Counterparts, found: Found) -> float:
    """Return the mean Dice over lesions; a false lesion counts 0."""
    false = int((~found.prediction).sum())
    return float(counterparts.dice.sum() / (len(counterparts.dice) + false))


def lesionwise_hausdorff(
    masks: Masks,
    maps: LesionMaps,
    counterparts: Counterparts,
    found: Found,
    surface: Surface,
    percentile: float,
    worst_mm: float,
) -> float:
    """Return the mean over lesions of a percentile of the border distances in mm.

    Missed and false lesions count `worst_mm`, and so does one that has no border. Other
    arguments as in :func:`find_counterparts` and :func:`mribench.metrics.surface.hausdorff`.
    """
    wanted = np.where(masks.reference, maps.reference, 0)
    boxes = ndimage.find_objects(wanted), ndimage.find_objects(maps.prediction)
    values = []
    for number, partners in zip(counterparts.numbers, counterparts.partners, strict=True):
        if not len(partners):
            values.append(worst_mm)
            continue
        parts = [boxes[0][number - 1], *(boxes[1][partner - 1] for partner in partners)]
        box = _around(parts)
        pair = wanted[box] == number, np.isin(maps.prediction[box], partners)
        distances = border_distances(*pair, masks.spacing, surface)
        known = all(map(len, distances))
        values.append(hausdorff(distances, percentile, "larger") if known else worst_mm)
    values += [worst_mm] * int((~found.prediction).sum())
    return float(np.mean(values))


def _around(boxes: list[tuple[slice, ...]]) -> tuple[slice, ...]:
    """Return the box around all boxes, one voxel larger where the array allows."""
    return tuple(
        slice(max(min(part.start for part in axis) - 1, 0), max(part.stop for part in axis) + 1)
        for axis in zip(*boxes, strict=True)
    )
