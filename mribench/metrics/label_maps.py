"""Reading label maps and probabilities, and saying what is wrong with a file."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mribench.dataset.geometry import Grid
from mribench.errors import DataError, describe
from mribench.files import read_image

# 255 steps of 1/255, as the header of an image holds it, are a little more than 1.
ROUNDING = 1e-6


class LabelMap(NamedTuple):
    """Whole numbers on a voxel grid."""

    values: np.ndarray
    grid: Grid


def read_labels(path: Path, case: str, remedy: str) -> LabelMap:
    """Read a label map.

    Raises
    ------
    DataError
        If the file cannot be read, is not 3D or holds anything but whole numbers.
    """
    image = read_image(path)
    array = np.asanyarray(image.dataobj)
    whole = is_whole(array)
    if whole and array.squeeze().ndim <= 3 and array.ndim >= 3:
        # Values beyond a byte belong to no label, but must not wrap around to one.
        kind = np.uint8 if array.min() >= 0 and array.max() <= 255 else np.int64
        return LabelMap(array.reshape(array.shape[:3], order="A").astype(kind), Grid.of(image))
    shape = "x".join(map(str, array.shape))
    raise DataError(
        describe(
            subject=case,
            file=path,
            found=f"an image of {shape} voxels" if whole else describe_values(array),
            expected="whole numbers, one label per voxel of a 3D image",
            remedy=remedy,
        )
    )


def is_whole(array: np.ndarray) -> bool:
    """Say whether all voxels are whole numbers (not NaN, not infinite)."""
    if array.dtype.kind in "iub":
        return True
    return bool(np.isfinite(array).all() and (array == np.rint(array)).all())


def describe_values(array: np.ndarray) -> str:
    """Say why the values of an array are no labels."""
    if not np.isfinite(array).all():
        return f"{int((~np.isfinite(array)).sum())} voxels that are NaN or infinite"
    low, high = float(array.min()), float(array.max())
    probabilities = ", which look like probabilities" if low >= 0 and high <= 1 else ""
    return f"values between {low:g} and {high:g} that are no whole numbers{probabilities}"


def require_values(
    labels: LabelMap, known: Iterable[int], case: str, file: object, remedy: str
) -> None:
    """Raise where a label map holds a value that the study does not know."""
    expected = sorted(known)
    strange = ~np.isin(labels.values, expected)
    if strange.any():
        unknown = np.unique(labels.values[strange]).tolist()
        raise DataError(
            describe(
                subject=case,
                file=file,
                found=f"label values {', '.join(map(str, unknown))}",
                expected=f"only {', '.join(map(str, expected))}",
                remedy=remedy,
            )
        )


def read_probabilities(path: Path, case: str, labels: Iterable[str], remedy: str) -> dict:
    """Read the probability of each label.

    Parameters
    ----------
    path
        Image (x, y, z) of one label, or (x, y, z, labels).
    case
        Whom it belongs to.
    labels
        Names of the labels, in the order of the image.
    remedy
        What to do where the image is wrong.

    Returns
    -------
    float32 array (x, y, z) per label.

    Raises
    ------
    DataError
        If the file cannot be read, has another number of labels, or holds anything but
        numbers from 0 to 1.
    """
    array = np.asanyarray(read_image(path).dataobj, dtype=np.float32)
    names = list(labels)
    stack = array.reshape(*array.shape[:3], -1)
    found = ""
    if stack.shape[-1] != len(names):
        found = f"{stack.shape[-1]} probabilities per voxel"
    elif not np.isfinite(array).all() or array.min() < -ROUNDING or array.max() > 1 + ROUNDING:
        found = "values outside 0 to 1, or NaN"
    if found:
        expected = f"probabilities of {', '.join(names)}"
        raise DataError(
            describe(subject=case, file=path, found=found, expected=expected, remedy=remedy)
        )
    return {name: np.clip(stack[..., place], 0, 1) for place, name in enumerate(names)}
