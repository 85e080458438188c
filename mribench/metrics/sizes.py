"""Volumes of a case, and its lesions counted by size."""

from itertools import pairwise
from typing import Any

import numpy as np

from mribench.metrics.conventions import Lesions
from mribench.metrics.lesions import Found
from mribench.metrics.masks import Masks
from mribench.rounding import significant


def volume_row(masks: Masks) -> dict[str, float]:
    """Return the volumes of both masks in ml."""
    return {
        f"{name}_ml": significant(np.count_nonzero(mask) * masks.voxel_mm3 / 1000)
        for name, mask in (("reference", masks.reference), ("prediction", masks.prediction))
    }


def size_rows(found: Found, lesions: Lesions, voxel_mm3: float) -> list[dict[str, Any]]:
    """Count the lesions of a case by size.

    Parameters
    ----------
    found
        Which lesions have a counterpart, and their sizes.
    lesions
        The edges between the sizes; a lesion as large as an edge belongs above it.
    voxel_mm3
        Volume of one voxel.

    Returns
    -------
    One row per size: its bounds in mm3 (the last has no upper one), the reference's lesions
    and those found, the predicted lesions and those that are true.
    """
    edges = (0.0, *lesions.size_bins_mm3, None)
    places = [
        np.digitize(sizes * voxel_mm3, lesions.size_bins_mm3)
        for sizes in (found.reference_sizes, found.prediction_sizes)
    ]
    return [
        {
            "low_mm3": low,
            "high_mm3": high,
            "reference": int((places[0] == place).sum()),
            "found": int(found.reference[places[0] == place].sum()),
            "predicted": int((places[1] == place).sum()),
            "true": int(found.prediction[places[1] == place].sum()),
        }
        for place, (low, high) in enumerate(pairwise(edges))
    ]
