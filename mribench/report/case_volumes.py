"""A case's volumes for the viewer of the results page, in one script that hands them over."""

import base64
import gzip
import json
from pathlib import Path

import edt
import nibabel
import numpy as np

from mribench.files import make_image, write_text
from mribench.report import slices
from mribench.report.case_images import CaseImages

SCRIPT = "volumes.js"
STEP = 4
"""Grey values are multiples of this: 64 of them look like 256, and pack in two thirds the room."""


def save_volumes(images: CaseImages, path: Path) -> None:
    """Write image, reference and the errors of every method, cropped to the head.

    Each is a NIfTI file (``.nii.gz`` in base64) of unsigned bytes on the grid of the label:
    the image from 0 to 255, the reference as classes, errors as :func:`slices.errors` has
    them. A page opened from disk may not read files, but it may load scripts; so this is one,
    that calls ``receiveVolumes`` with the name of the case and its volumes by name.
    """
    volume = images.volume.array
    marked = np.any([images.reference, *images.predictions.values()], axis=0)
    box = head_box(images.volume, marked)
    reference = images.reference[box]
    errors = {
        name: slices.errors(reference, prediction[box])
        for name, prediction in images.predictions.items()
    }
    grey = slices.grey(volume, volume[box]) // STEP * STEP
    affine = cropped_affine(images.grid.affine, box)
    content = {
        "start": deepest_voxel(
            reference > 0 if reference.any() else marked[box], images.volume.spacing
        ),
        "image": encode(grey, affine),
        "reference": encode(reference, affine),
        "errors": {name: encode(array, affine) for name, array in errors.items()},
    }
    write_text(path, f"receiveVolumes({json.dumps(images.case)}, {json.dumps(content)});\n")


def head_box(volume: slices.Volume, marked: np.ndarray) -> tuple[slice, slice, slice]:
    """Return the part of the grid with the head and whatever is marked, and a margin."""
    spacing = volume.spacing
    shown = np.where(marked, volume.array.max(), volume.array)
    across, along = slices.head_box(shown.max(axis=2), (spacing[0], spacing[1]))
    _, upward = slices.head_box(shown.max(axis=0), (spacing[1], spacing[2]))
    return across, along, upward


def deepest_voxel(marked: np.ndarray, spacing: tuple[float, ...]) -> list[int]:
    """Return the voxel farthest inside what is marked; the middle where nothing is."""
    if not marked.any():
        return [size // 2 for size in marked.shape]
    depths = edt.edt(np.asfortranarray(marked), anisotropy=spacing)
    return [int(index) for index in np.unravel_index(depths.argmax(), depths.shape)]


def cropped_affine(affine: np.ndarray, box: tuple[slice, slice, slice]) -> np.ndarray:
    """Return the affine (voxel to RAS mm) of a part of a grid."""
    start = [part.start for part in box]
    return np.asarray(affine @ nibabel.affines.from_matvec(np.eye(3), start))


def encode(array: np.ndarray, affine: np.ndarray) -> str:
    """Return an array as a compressed NIfTI file in base64; equal arrays give equal text."""
    content = make_image(array.astype(np.uint8), affine).to_bytes()
    return base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")
