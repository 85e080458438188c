"""Slices of images for pictures: one view, one window, one crop, errors in colour."""

from typing import NamedTuple

import nibabel
import numpy as np

from mribench.dataset.geometry import Grid

# Their lightness differs as well as their hue, so that they stay apart without red or green.
COLOURS = {
    "true positive": (60, 205, 120),
    "false positive": (225, 75, 20),
    "false negative": (50, 120, 255),
}
# Okabe and Ito (2008), without black; the brighter ones first.
CLASS_COLOURS = (
    (230, 159, 0), (86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 158, 115), (213, 94, 0),
)  # fmt: skip
OPACITY = 0.8
LEVELS = 64
"""Grey levels of a picture: as many as leave room for the three colours in 256 entries."""
WINDOW = (1.0, 99.7)
"""Percentiles of the positive voxels that become black and white."""
MARGIN_MM = 6.0


class Volume(NamedTuple):
    """An array in RAS+ order (x, y, z) with its voxel size in mm."""

    array: np.ndarray
    spacing: tuple[float, ...]


def canonical(image: nibabel.Nifti1Image) -> Volume:
    """Flip and swap the axes of an image to RAS+; no interpolation."""
    turned = nibabel.as_closest_canonical(image)
    return Volume(np.asanyarray(turned.dataobj), Grid.of(turned).spacing)


def slice_axis(spacing: tuple[float, ...]) -> int:
    """Return the axis that was scanned slice by slice: the thickest; axial where all are equal."""
    thickest = max(spacing)
    return max(axis for axis in range(3) if spacing[axis] >= thickest - 1e-3)


def slice_to_show(reference: np.ndarray, predictions: list[np.ndarray], axis: int) -> int:
    """Return the slice with the largest reference area.

    Where the reference is empty it is the slice with the most predicted voxels (of all
    methods together), and where nothing is predicted either, the middle one. The first
    of several equal slices is taken.
    """
    others = tuple(other for other in range(3) if other != axis)
    for masks in ([reference], predictions):
        areas = np.sum([np.count_nonzero(mask, axis=others) for mask in masks], axis=0)
        if np.any(areas):
            return int(np.argmax(areas))
    return reference.shape[axis] // 2


def view(array: np.ndarray, axis: int, place: int) -> np.ndarray:
    """Return one slice as rows x columns, superior or anterior on top, patient's right on the left.

    Sagittal slices have anterior on the right.
    """
    plane = array[(slice(None),) * axis + (place,)]
    turned = plane.T[::-1]
    return turned if axis == 0 else turned[:, ::-1]


def pixel_size(spacing: tuple[float, ...], axis: int) -> tuple[float, float]:
    """Return the height and width in mm of a pixel of :func:`view`."""
    width, height = (spacing[other] for other in range(3) if other != axis)
    return height, width


def grey(array: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Return `plane` as 0 to 255, windowed by the positive voxels of the whole `array`."""
    positive = array[array > 0]
    low, high = np.percentile(positive, WINDOW) if positive.size else (0.0, 1.0)
    scaled = (plane.astype(float) - low) / max(high - low, 1e-6)
    return (np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def errors(reference: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return 0 nothing, 1 true positive, 2 false positive, 3 false negative per voxel.

    Both arrays hold class labels. Only the same class counts as true positive; a voxel of
    another class counts as false positive.
    """
    agreed = (reference > 0) & (reference == prediction)
    kinds = np.zeros(reference.shape, np.uint8)
    kinds[(reference > 0) & (prediction == 0)] = 3
    kinds[(prediction > 0) & ~agreed] = 2
    kinds[agreed] = 1
    return kinds


def indexed(picture: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return entries of :func:`palette` for a grey picture (0 to 255) and its errors."""
    return (picture // (256 // LEVELS) + LEVELS * kinds).astype(np.uint8)


def palette() -> np.ndarray:
    """Return the 256 colours (red, green, blue) of pictures: greys, then tinted greys."""
    greys = np.repeat(np.linspace(0, 255, LEVELS)[:, None], 3, axis=1)
    tinted = [OPACITY * np.asarray(colour) + (1 - OPACITY) * greys for colour in COLOURS.values()]
    return np.concatenate([greys, *tinted]).round().astype(np.uint8)


def enlarge(
    picture: np.ndarray, kinds: np.ndarray, pixel: tuple[float, float], longest: int
) -> np.ndarray:
    """Return a picture with square pixels as entries of :func:`palette`.

    The grey values are interpolated, the errors keep their voxels.

    Parameters
    ----------
    picture
        0 to 255, rows x columns.
    kinds
        What :func:`errors` returns, of the same shape.
    pixel
        Height and width of a pixel in mm.
    longest
        Longer side of the result in pixels.
    """
    from PIL import Image

    height, width = (count * mm for count, mm in zip(picture.shape, pixel, strict=True))
    factor = longest / max(height, width)
    size = round(width * factor), round(height * factor)
    smooth = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    blocks = Image.fromarray(kinds).resize(size, Image.Resampling.NEAREST)
    return indexed(np.asarray(smooth), np.asarray(blocks))


def head_box(plane: np.ndarray, pixel: tuple[float, float]) -> tuple[slice, slice]:
    """Return rows and columns around what is brighter than a tenth of the maximum, and a margin."""
    inside = plane > plane.max() * 0.1 if plane.max() > 0 else np.ones(plane.shape, bool)
    box = []
    for axis, size in enumerate(pixel):
        filled = np.flatnonzero(inside.any(axis=1 - axis))
        margin = round(MARGIN_MM / size)
        box.append(slice(max(int(filled[0]) - margin, 0), int(filled[-1]) + margin + 1))
    return box[0], box[1]
