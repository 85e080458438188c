"""Spatial transforms on disk: ITK text files for linear maps, NIfTI fields for the others.

A transform file named ``from-A_to-B`` maps *points* of B into A, so that it brings
*images* of A onto B; this is ITK's convention. Files hold LPS coordinates, as ITK
does; everything in memory is RAS mm, as NIfTI does.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from mribench.dataset.geometry import Grid
from mribench.errors import StageError, describe
from mribench.files import make_image, read_image, write_image, write_text

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
VECTOR_INTENT = 1007
FIELD_SPACING_MM = 2.0
Points = np.ndarray


@dataclass(frozen=True)
class Field:
    """A displacement field: `vectors` (x, y, z, 3) in RAS mm on the voxels of `affine`."""

    vectors: np.ndarray
    affine: np.ndarray

    def apply(self, points: Points) -> Points:
        """Return `points` (3, n) in RAS mm, displaced; beyond its grid the field goes on flat."""
        to_index = np.linalg.inv(self.affine)
        index = to_index[:3, :3] @ points + to_index[:3, 3:]
        shift = [
            ndimage.map_coordinates(self.vectors[..., axis], index, order=1, mode="nearest")
            for axis in range(3)
        ]
        return points + np.stack(shift)


Transform = np.ndarray | Field


def write_affine(path: Path, matrix: np.ndarray) -> None:
    """Write a linear map of points (4 x 4, RAS mm) as an ITK text file."""
    lps = LPS @ matrix @ LPS
    numbers = [*lps[:3, :3].ravel(), *lps[:3, 3]]
    parameters = " ".join(repr(float(value) + 0.0) for value in numbers)
    write_text(
        path,
        "#Insight Transform File V1.0\n#Transform 0\n"
        "Transform: AffineTransform_double_3_3\n"
        f"Parameters: {parameters}\nFixedParameters: 0 0 0\n",
    )


def read_affine(path: Path) -> np.ndarray:
    """Read an ITK text file with one matrix transform as a map of points (4 x 4, RAS mm).

    Raises
    ------
    StageError
        If the file holds anything else than one whole matrix with offset.
    """
    text = Path(path).read_text(encoding="utf-8")
    found = dict(re.findall(r"^(\w+): (.*)$", text, flags=re.MULTILINE))
    kind = found.get("Transform", "nothing")
    if not re.match(r"(MatrixOffsetTransformBase|AffineTransform)_\w+_3_3$", kind):
        raise StageError(
            describe(
                subject=case_name(path),
                file=path,
                found=f"a transform of kind {kind}",
                expected="an ITK AffineTransform or MatrixOffsetTransformBase in 3D",
                remedy="write the transform again with register_to_reference",
            )
        )
    parameters, centre = (_numbers(found.get(key, "")) for key in ("Parameters", "FixedParameters"))
    if (parameters.size, centre.size) != (12, 3):
        raise StageError(
            describe(
                subject=case_name(path),
                file=path,
                found=f"{parameters.size} parameters and {centre.size} of the centre",
                expected="12 and 3: the file was cut short",
                remedy="delete it and start again: it is made anew",
            )
        )
    matrix = np.eye(4)
    matrix[:3, :3] = parameters[:9].reshape(3, 3)
    matrix[:3, 3] = parameters[9:] + centre - matrix[:3, :3] @ centre
    return LPS @ matrix @ LPS


def _numbers(text: str) -> np.ndarray:
    """Return the numbers in a line; none where one of them is cut."""
    try:
        return np.array(text.split(), dtype=float)
    except ValueError:
        return np.empty(0)


def write_field(path: Path, field: Field) -> None:
    """Write a displacement field as a NIfTI vector image, readable by ITK."""
    vectors = field.vectors * np.array([-1.0, -1.0, 1.0])
    image = make_image(vectors[:, :, :, None, :].astype(np.float32), field.affine)
    image.header.set_intent(VECTOR_INTENT)
    write_image(path, image)


def read_field(path: Path) -> Field:
    """Read a displacement field that :func:`write_field` or ITK wrote."""
    image = read_image(path)
    vectors = np.asanyarray(image.dataobj).reshape(*image.shape[:3], 3)
    return Field(vectors * np.array([-1, -1, 1], dtype=np.float32), image.affine)


def read_transform(path: Path, invert: bool = False) -> Transform:
    """Read a transform of either kind; only linear ones can be inverted on the way."""
    if path.name.endswith(".txt"):
        matrix = read_affine(path)
        return np.linalg.inv(matrix) if invert else matrix
    if invert:
        raise ValueError(f"{path}: a displacement field is not inverted; read its inverse file")
    return read_field(path)


def compose(transforms: list[Transform]) -> list[Transform]:
    """Multiply neighbouring linear maps of a chain; the first one acts on points first."""
    merged: list[Transform] = []
    for step in transforms:
        if merged and isinstance(step, np.ndarray) and isinstance(merged[-1], np.ndarray):
            merged[-1] = step @ merged[-1]
        else:
            merged.append(step)
    return merged


def apply(transforms: list[Transform], points: Points) -> Points:
    """Return `points` (3, n) in RAS mm after the chain, the first transform first."""
    for step in transforms:
        if isinstance(step, Field):
            points = step.apply(points)
        else:
            points = step[:3, :3] @ points + step[:3, 3:]
    return points


def compose_field(transforms: list[Transform], grid: Grid) -> Field:
    """Return one displacement field on `grid` that does what the chain does, the first first."""
    index = np.indices(grid.shape).reshape(3, -1)
    points = apply([grid.affine], index)
    shift = apply(transforms, points) - points
    return Field(np.moveaxis(shift.reshape(3, *grid.shape), 0, -1), grid.affine)


def rigid(angles: np.ndarray, shift: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the map that turns about `centre` by Euler `angles` (radian, x y z), then shifts."""
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        cosine, sine = math.cos(angle), math.sin(angle)
        first, second = [index for index in range(3) if index != axis]
        step = np.eye(3)
        step[first, first] = step[second, second] = cosine
        step[first, second], step[second, first] = -sine, sine
        turn = step @ turn
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = np.asarray(centre) + shift - turn @ centre
    return matrix


def mean_distance(first: np.ndarray, second: np.ndarray, points: Points) -> float:
    """Return the mean distance in mm between where two linear maps put `points` (3, n)."""
    difference = (first - second)[:3]
    shift = difference[:, :3] @ points + difference[:, 3:]
    return float(np.linalg.norm(shift, axis=0).mean())


def ends(path: Path) -> tuple[str, str]:
    """Return what the file's name says: (from, to)."""
    found = re.search(r"_from-(.+)_to-(.+)_mode-image_xfm\.", path.name)
    if found is None:
        raise ValueError(f"{path}: the name lacks from-, to- and mode-image")
    return found[1], found[2]


def case_name(path: str | Path) -> str:
    """Return the case a file belongs to: ``sub-01_ses-02`` for ``sub-01_ses-02_T1w.nii.gz``."""
    name = Path(path).name
    found = re.match(r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?", name)
    return found[0] if found else name.split(".")[0]


def points_of(image: nibabel.Nifti1Image, mask: np.ndarray) -> Points:
    """Return the voxel centres inside `mask` (x, y, z) as points (3, n) in RAS mm."""
    index = np.array(np.nonzero(mask), dtype=float)
    return image.affine[:3, :3] @ index + image.affine[:3, 3:]
