"""Metrics that count lesions: connected components of a mask."""

from typing import NamedTuple

import numpy as np

from mribench.metrics.components import is_counted, label_lesions, label_territories
from mribench.metrics.conventions import Lesions
from mribench.metrics.masks import voxels
from mribench.metrics.matching import Meetings, count_pairs, hits, is_found, pair_off


class LesionMaps(NamedTuple):
    """The numbered lesions of two masks.

    Attributes
    ----------
    reference
        Integer array (x, y, z): 1..n in the lesions; where the convention merges lesions,
        also in what their dilation adds.
    prediction
        Integer array (x, y, z): 1..m in the lesions.
    reference_sizes, prediction_sizes
        Sizes in voxels, n and m long.
    """

    reference: np.ndarray
    prediction: np.ndarray
    reference_sizes: np.ndarray
    prediction_sizes: np.ndarray


class Found(NamedTuple):
    """Which lesions have a counterpart.

    Attributes
    ----------
    reference, prediction
        Booleans, one per lesion that counts.
    iou
        Intersection over union of each pair, where the matching is one to one.
    reference_sizes, prediction_sizes
        Sizes in voxels of the lesions that count.
    """

    reference: np.ndarray
    prediction: np.ndarray
    iou: np.ndarray
    reference_sizes: np.ndarray
    prediction_sizes: np.ndarray


def map_lesions(
    reference: np.ndarray, prediction: np.ndarray, lesions: Lesions, voxel_mm3: float
) -> LesionMaps:
    """Number the lesions of two masks under a convention.

    Parameters
    ----------
    reference, prediction
        Boolean masks (x, y, z) of one shape.
    lesions
        What is one lesion, and when it is found.
    voxel_mm3
        Volume of one voxel.
    """
    wanted, wanted_sizes = label_territories(reference, lesions, voxel_mm3)
    given, given_sizes = label_lesions(prediction, lesions, voxel_mm3)
    return LesionMaps(wanted, given, wanted_sizes, given_sizes)


def meet(maps: LesionMaps, where: np.ndarray) -> Meetings:
    """Return every pair of lesions that share a voxel of the mask `where`."""
    places = voxels(where)
    pairs = count_pairs(maps.reference[places], maps.prediction[places], len(maps.prediction_sizes))
    return Meetings(*pairs, maps.reference_sizes, maps.prediction_sizes)


def find_lesions(
    reference: np.ndarray, prediction: np.ndarray, lesions: Lesions, voxel_mm3: float
) -> Found:
    """Decide for each lesion of both masks whether the other mask holds its counterpart.

    Parameters are those of :func:`map_lesions`.
    """
    maps = map_lesions(reference, prediction, lesions, voxel_mm3)
    return match_lesions(maps, reference & prediction, prediction, lesions, voxel_mm3)


def match_lesions(
    maps: LesionMaps,
    shared: np.ndarray,
    prediction: np.ndarray,
    lesions: Lesions,
    voxel_mm3: float,
) -> Found:
    """Decide for each numbered lesion whether it has a counterpart.

    Parameters
    ----------
    maps
        From :func:`map_lesions`.
    shared, prediction
        Masks (x, y, z): where both masks are set, and the prediction. Merged lesions meet
        predicted ones anywhere in the prediction.
    lesions, voxel_mm3
        As there.
    """
    pairs = hits(meet(maps, prediction if lesions.merge else shared), lesions)
    iou = np.zeros(0)
    if lesions.matching == "one_to_one":
        pairs = pair_off(pairs)
        iou = pairs.iou
    found = [is_found(pairs, lesions), is_found(pairs.turned(), lesions)]
    kept = [np.ones(len(found[0]), bool), np.ones(len(found[1]), bool)]
    if lesions.small == "ignored":
        kept[0] = is_counted(maps.reference_sizes, lesions, voxel_mm3)
        met = np.zeros((2, len(kept[1])), bool)
        met[kept[0][pairs.first].astype(int), pairs.second] = True
        kept[1] = met[1] | ~met[0]
    return Found(
        found[0][kept[0]],
        found[1][kept[1]],
        iou,
        maps.reference_sizes[kept[0]],
        maps.prediction_sizes[kept[1]],
    )


def lesion_recall(found: Found) -> float:
    """Return the share of the reference's lesions that were found."""
    return float(found.reference.mean())


def lesion_precision(found: Found, counted: str = "own") -> float:
    """Return the share of the predicted lesions that are in the reference.

    With `counted` ``reference`` the hits are the reference's lesions that were found, as in
    some papers; one predicted lesion that meets two then counts twice.
    """
    if counted == "reference":
        return int(found.reference.sum()) / len(found.prediction)
    return float(found.prediction.mean())


def lesion_false_rate(found: Found) -> float:
    """Return the share of the predicted lesions that are not in the reference."""
    return float((~found.prediction).mean())


def lesion_f1(found: Found, form: str) -> float:
    """Return lesion recall and precision in one number.

    ``harmonic`` is their harmonic mean, 0 where both are 0. ``dice`` is twice the reference's
    lesions that were found over the lesions of both masks. The others are
    2 TP / (2 TP + FP + FN) with FN counted among the reference's lesions, FP among the
    predicted ones, and TP among those of the reference (``reference_counts``) or of the
    prediction (``prediction_counts``). All differ where one lesion meets several.
    """
    if form == "harmonic":
        recall, precision = lesion_recall(found), lesion_precision(found)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    if form == "dice":
        return 2 * int(found.reference.sum()) / (len(found.reference) + len(found.prediction))
    hit = int((found.reference if form == "reference_counts" else found.prediction).sum())
    misses = int((~found.reference).sum()) + int((~found.prediction).sum())
    return 2 * hit / (2 * hit + misses)


def panoptic(found: Found, kind: str) -> float:
    """Return how well one-to-one pairs of lesions agree (Kirillov et al., CVPR 2019).

    ``recognition_quality`` is TP / (TP + FP / 2 + FN / 2) of the pairs,
    ``segmentation_quality`` the mean intersection over union of the pairs (0 without any),
    ``panoptic_quality`` their product.
    """
    recognition = lesion_f1(found, "reference_counts")
    if kind == "recognition_quality":
        return recognition
    quality = float(found.iou.mean()) if len(found.iou) else 0.0
    return quality if kind == "segmentation_quality" else quality * recognition
