"""What figures need of the voxels of every case: volumes, and which lesions were found."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from mribench.report.case_images import CaseImages

CONNECTIVITY: Final = 26
VOLUME_COLUMNS = ("case", "method", "label", "reference_ml", "predicted_ml")
LESION_COLUMNS = ("case", "method", "label", "mm3", "found")


def measure_volumes(images: CaseImages, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row per method and label: volumes of reference and prediction in ml.

    Parameters
    ----------
    images
        The case.
    labels
        Names of the classes, in the order of their numbers.
    """
    voxel_ml = float(np.prod(images.volume.spacing)) / 1000
    return [
        {
            "case": images.case,
            "method": method,
            "label": label,
            "reference_ml": voxel_ml * np.count_nonzero(images.reference == number),
            "predicted_ml": voxel_ml * np.count_nonzero(prediction == number),
        }
        for number, label in enumerate(labels, start=1)
        for method, prediction in images.predictions.items()
    ]


def measure_lesions(images: CaseImages, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row per lesion of the reference and method: its size and whether it was found.

    A lesion is a set of voxels of one class that touch, by a corner at least; it is found
    where one of its voxels or more is predicted as that class.
    """
    import cc3d

    voxel_mm3 = float(np.prod(images.volume.spacing))
    rows = []
    for number, label in enumerate(labels, start=1):
        lesions, count = cc3d.connected_components(
            images.reference == number, connectivity=CONNECTIVITY, return_N=True
        )
        sizes = np.bincount(lesions.ravel(), minlength=count + 1)[1:] * voxel_mm3
        for method, prediction in images.predictions.items():
            shared = lesions[prediction == number]
            found = np.bincount(shared, minlength=count + 1)[1:] > 0
            rows += [
                {"case": images.case, "method": method, "label": label, "mm3": size, "found": hit}
                for size, hit in zip(sizes, found, strict=True)
            ]
    return rows


def table_of(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a table that has its columns also where there are no rows."""
    return pd.DataFrame(rows, columns=list(columns))
