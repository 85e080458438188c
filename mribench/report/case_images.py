"""A case as pictures and measures need it: image, reference and predictions on one grid."""

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np

from mribench.dataset.geometry import Grid
from mribench.files import read_image
from mribench.report import slices
from mribench.report.results import Results


@dataclass(frozen=True)
class Classes:
    """Voxel values of the classes in label files, and those left out of the scoring."""

    values: tuple[int, ...]
    ignore: tuple[int, ...]

    def number(self, labels: np.ndarray) -> np.ndarray:
        """Return 0 for background and k for the k-th class, as predictions have it."""
        numbered = np.zeros(labels.shape, np.uint8)
        for place, value in enumerate(self.values, start=1):
            numbered[labels == value] = place
        return numbered


@dataclass(frozen=True)
class CaseImages:
    """Arrays (x, y, z) of one case in RAS+ order.

    `volume` is the image with its voxel size in mm; `reference` and `predictions` (by method)
    hold 0 for background and k for the k-th class. Voxels that are not scored are background
    in the predictions. `grid` says where the voxels lie.
    """

    case: str
    volume: slices.Volume
    reference: np.ndarray
    predictions: dict[str, np.ndarray]
    grid: Grid


def read_case(results: Results, bids: Path, case: str, classes: Classes) -> CaseImages:
    """Read a case's image, reference and the predictions of all methods.

    Parameters
    ----------
    results
        The study.
    bids
        Root of the BIDS data set, which the paths of scans.tsv are relative to.
    case
        The case.
    classes
        What the voxels of the label file mean.
    """
    rows = results.scans[results.scans.case == case]
    scan = rows[rows.contrast == rows.labels_contrast].iloc[0]
    volume = slices.canonical(read_image(bids / scan.path))
    truth = nibabel.as_closest_canonical(read_image(bids / scan.labels))
    predictions = {
        name: slices.canonical(read_image(results.prediction(name, case))).array
        for name in results.methods
    }
    return number_classes(case, volume, truth, predictions, classes)


def number_classes(
    case: str,
    volume: slices.Volume,
    truth: nibabel.Nifti1Image,
    predictions: dict[str, np.ndarray],
    classes: Classes,
) -> CaseImages:
    """Return a case from what its files hold; all share a grid in RAS+ order."""
    labels = np.asanyarray(truth.dataobj)
    left_out = np.isin(labels, classes.ignore)
    counted = {name: np.where(left_out, 0, array) for name, array in predictions.items()}
    return CaseImages(case, volume, classes.number(labels), counted, Grid.of(truth))
