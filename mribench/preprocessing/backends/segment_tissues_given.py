"""The data set's own tissue labels (`dataset.tissues`)."""

from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np

from mribench.config import Tissues
from mribench.preprocessing.checks import fail
from mribench.preprocessing.given import read_given
from mribench.preprocessing.sidecars import Tool
from mribench.preprocessing.tissue_order import DARK_TO_BRIGHT, TISSUES, fill_unknown

TOOL = Tool("tissue labels of the data set")
READS = ()
LEAST_COVERED = 0.5


def segment_tissues(
    image: nibabel.Nifti1Image,
    mask: np.ndarray,
    contrast: str,
    settings: Tissues,
    threads: int,
    given: Path,
    values: Mapping[str, int],
) -> np.ndarray:
    """Return tissue maps of ones and zeros (3, x, y, z), float32, in the order GM, WM, CSF.

    Voxels of the mask with another value (such as lesions, or skull under a mask that is
    larger than the labels) belong to the tissue of the nearest voxel that has one.

    Parameters
    ----------
    image
        The bias-corrected image.
    mask
        The brain (x, y, z); the maps are 0 outside.
    contrast
        BIDS suffix, with or without ``ce-``; it tells which tissue is the brightest.
    settings, threads
        Not used.
    given
        The labels, drawn on the raw image.
    values
        The number of each tissue in the labels.

    Raises
    ------
    StageError
        If the labels leave out half of the brain, or if what they call fluid is neither
        the darkest nor the brightest, as it should be: then `values` are wrong.
    """
    labels = np.where(mask, read_given(given, image), 0)
    found = np.stack([labels == values[tissue] for tissue in TISSUES]).astype(np.float32)
    covered = found.sum() / max(int(mask.sum()), 1)
    if covered < LEAST_COVERED:
        expected = f"the values {_list(values)} in at least {LEAST_COVERED:.0%}"
        remedy = "set dataset.tissues.values to the numbers of the tissues in these files"
        raise fail(given, f"tissues in {covered:.0%} of the brain", expected, remedy)
    _check_order(found, np.asanyarray(image.dataobj), contrast, given, values)
    return fill_unknown(found, mask)


def _check_order(
    maps: np.ndarray, array: np.ndarray, contrast: str, file: Path, values: Mapping[str, int]
) -> None:
    """Raise where what is called fluid is not the darkest (T1w, FLAIR) or brightest (T2w)."""
    suffix = contrast.rpartition("_")[2]
    present = maps.any(axis=(1, 2, 3))
    if suffix == "PDw" or not present.all():
        return
    means = [array[tissue > 0].mean() for tissue in maps]
    names = [TISSUES[index] for index in np.argsort(means)]
    expected = DARK_TO_BRIGHT[suffix]
    if names.index("CSF") != expected.index("CSF"):
        raise fail(
            file,
            f"{' < '.join(names)} in brightness, with {_list(values)}",
            f"CSF at the {'dark' if expected[0] == 'CSF' else 'bright'} end in a {suffix}",
            "set dataset.tissues.values to the numbers of the tissues in these files",
        )


def _list(values: Mapping[str, int]) -> str:
    return ", ".join(f"{value} for {name}" for name, value in values.items())
