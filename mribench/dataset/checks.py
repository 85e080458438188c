"""What every image and every label must fulfil before anything is computed from it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from mribench.config import Label
from mribench.dataset.geometry import Grid, corner_distance
from mribench.dataset.problems import Finding
from mribench.dataset.volumes import Volume

LISTED = 5
SHEAR_LIMIT = 1e-6


class Match(NamedTuple):
    """The contrast on whose grid a label stands, or why there is none."""

    contrast: str | None
    finding: Finding | None


def check_image(volume: Volume) -> list[Finding]:
    """Return what is wrong with an image: its axes, its place in space, its values."""
    return [*check_axes(volume), *check_values(volume), *_check_constant(volume)]


def check_label(volume: Volume, label: Label) -> list[Finding]:
    """Return what is wrong with a label: its axes, its place in space, its values.

    Parameters
    ----------
    volume
        The label as read from its file.
    label
        The values that may occur: those of the classes, those to be ignored, and 0.
    """
    findings = [*check_axes(volume), *check_values(volume)]
    if findings:
        return findings
    values = volume.values
    present, counts = np.unique(values[values != 0], return_counts=True)
    return [*_check_whole(present, counts), *_check_known(present, counts, label)]


def check_axes(volume: Volume) -> Iterator[Finding]:
    """Yield a finding where an image is not 3D or has no place in space."""
    shape = volume.data.shape
    if len(shape) != 3 or min(shape) < 2:
        yield Finding(
            f"{len(shape)}D with {' x '.join(map(str, shape))} voxels",
            "one 3D image",
            "keep the volume that is meant and save it alone",
        )
    if volume.codes == (0, 0):
        yield Finding(
            "no sform and no qform (both codes are 0)",
            "an affine that says where the voxels are in the scanner",
            "convert the image again from DICOM; do not invent an orientation",
        )
    elif not _is_proper(volume.affine):
        yield Finding(
            "an affine that cannot be inverted",
            "three voxel axes in three different directions",
            "convert the image again from DICOM",
        )


def check_values(volume: Volume) -> Iterator[Finding]:
    """Yield a finding where voxels are no real, finite numbers."""
    if volume.data.dtype.kind not in "iuf":
        yield Finding(
            f"voxels of type {volume.data.dtype}",
            "one real number per voxel",
            "save the image as integers or floating-point numbers",
        )
    elif not np.all(np.isfinite(extremes(volume))):
        bad = int(np.count_nonzero(~np.isfinite(volume.data)))
        yield Finding(
            f"NaN or infinity in {bad or volume.data.size} of {volume.data.size} voxels",
            "finite numbers",
            "find out which program wrote them; set them to 0 if they lie outside the head",
        )


def extremes(volume: Volume) -> tuple[float, float]:
    """Return the values at the smallest and the largest stored number; NaN spreads to both."""
    low, high = (float(value) for value in (volume.data.min(), volume.data.max()))
    return low * volume.slope + volume.intercept, high * volume.slope + volume.intercept


def count_foreground(volume: Volume, label: Label) -> int:
    """Return the number of voxels that belong to a class (ignored values do not count)."""
    return int(np.isin(volume.values, list(label.values.values())).sum())


def match_grid(
    label: Grid, images: Mapping[str, Grid], named: str | None, tolerance_mm: float
) -> Match:
    """Find the contrast on whose grid a label stands.

    Several contrasts may share a grid and still be apart by motion between them, so the
    choice matters: first the contrast that the label's file name tells (``space-FLAIR``),
    then the FLAIR, because lesions are drawn on it, then the first of `images`.

    Parameters
    ----------
    label
        The label's grid.
    images
        The grids of the case's images by contrast.
    named
        The contrast in the label's file name, if any.
    tolerance_mm
        Largest corner distance of two grids that count as one.
    """
    distances = {
        contrast: corner_distance(label, grid)
        for contrast, grid in images.items()
        if grid.shape == label.shape
    }
    fitting = [name for name, distance in distances.items() if distance <= tolerance_mm]
    for preferred in (named, "FLAIR", *fitting[:1]):
        if preferred in fitting:
            return Match(preferred, None)
    return Match(None, _describe_mismatch(label, images, distances, tolerance_mm))


def _describe_mismatch(
    label: Grid, images: Mapping[str, Grid], distances: Mapping[str, float], tolerance_mm: float
) -> Finding:
    expected = f"the grid of one of {', '.join(images)} within {tolerance_mm:g} mm"
    if not distances:
        shapes = ", ".join(f"{name} {_shape(grid)}" for name, grid in images.items())
        return Finding(
            f"a label on another grid: {_shape(label)} voxels; {shapes}",
            expected,
            "resample the label onto the image that it was drawn on",
        )
    nearest = min(distances, key=lambda name: distances[name])
    return Finding(
        f"affines of label and {nearest} that place the same voxel up to "
        f"{distances[nearest]:.3g} mm apart",
        expected,
        f"if the label was drawn on the {nearest}, copy that image's affine into the label; "
        "else resample the label",
    )


def _shape(grid: Grid) -> str:
    return "x".join(map(str, grid.shape))


def _is_proper(affine: np.ndarray) -> bool:
    axes = affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if not np.all(np.isfinite(affine)) or not np.all(lengths > 0):
        return False
    return bool(abs(np.linalg.det(axes / lengths)) > SHEAR_LIMIT)


def _check_constant(volume: Volume) -> Iterator[Finding]:
    if volume.data.dtype.kind in "iuf" and volume.data.min() == volume.data.max():
        yield Finding(
            f"a constant image: every voxel is {extremes(volume)[0]:g}",
            "an image with contrast",
            "export the image again",
        )


def _check_whole(present: np.ndarray, counts: np.ndarray) -> Iterator[Finding]:
    broken = present != np.rint(present)
    if broken.any():
        yield Finding(
            f"label values that are no whole numbers: {_list(present[broken], counts[broken])}",
            "whole numbers",
            "threshold the label, and resample labels with nearest neighbours only",
        )


def _check_known(present: np.ndarray, counts: np.ndarray, label: Label) -> Iterator[Finding]:
    known = dict.fromkeys(label.ignore, "ignored")
    known |= {value: name for name, value in label.values.items()}
    unknown = (present == np.rint(present)) & ~np.isin(present, list(known))
    if unknown.any():
        names = ", ".join(f"{value} ({name})" for value, name in sorted(known.items()))
        yield Finding(
            f"unexpected label values: {_list(present[unknown], counts[unknown])}",
            f"0 (background), {names}",
            "correct the label, or declare the value in dataset.label.values or "
            "dataset.label.ignore",
        )


def _list(values: np.ndarray, counts: np.ndarray) -> str:
    pairs = list(zip(values.tolist(), counts.tolist(), strict=True))
    listing = ", ".join(f"{value:g} ({count} voxels)" for value, count in pairs[:LISTED])
    return listing + (f" and {len(pairs) - LISTED} more" if len(pairs) > LISTED else "")
