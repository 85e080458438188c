"""Bring a raw image into the one form that all stages read.

Three axes that point right, anterior and superior (by flips and permutation, never by
interpolation), float32, no negative values but those of CT.
"""

from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np

from mribench.dataset.geometry import Grid
from mribench.dataset.scanner import contrast_of
from mribench.errors import DataError, describe
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.checks import check_image
from mribench.preprocessing.sidecars import Tool, raw_uri, write_sidecar
from mribench.preprocessing.transforms import case_name


def conform_case(images: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Conform the images of one case and write them with their sidecars.

    Parameters
    ----------
    images
        The raw images.
    outputs
        Where the conformed images go, in the same order.
    """
    for path, output in zip(images, outputs, strict=True):
        floor = None if contrast_of(output.name) == "CT" else 0
        image = conform(read_image(path), path, floor)
        check_image(image, Grid.of(image), output)
        write_image(output, image)
        parameters = {"orientation": "RAS", "clip": floor}
        write_sidecar(
            output, Tool("conform_image"), [raw_uri(path)], parameters, SkullStripped=False
        )


def conform(
    image: nibabel.Nifti1Image, file: object, floor: float | None = 0
) -> nibabel.Nifti1Image:
    """Return the image as float32 (x, y, z), RAS, without values below `floor`.

    Parameters
    ----------
    image
        A raw image; axes of length 1 after the third are dropped.
    file
        Its path, for messages.
    floor
        What smaller values become; None keeps them: air is -1000 in CT.

    Raises
    ------
    DataError
        If the image has more than one volume, or values that are not finite.
    """
    array = np.asarray(image.dataobj, dtype=np.float32)
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise _unusable(file, f"{image.ndim} axes, shape {image.shape}", "one volume")
    if not np.isfinite(array).all():
        raise _unusable(file, "NaN or infinite values", "finite values")
    turned = nibabel.as_closest_canonical(nibabel.Nifti1Image(array, image.affine))
    values = np.asanyarray(turned.dataobj)
    return make_image(values if floor is None else np.maximum(values, floor), turned.affine)


def _unusable(file: object, found: str, expected: str) -> DataError:
    subject, remedy = case_name(str(file)), "convert the image again"
    return DataError(
        describe(subject=subject, file=file, found=found, expected=expected, remedy=remedy)
    )
