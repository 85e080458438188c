"""The geometry gate: whether two images stand on the same grid, measured in mm."""

from itertools import product
from typing import NamedTuple

import nibabel
import numpy as np

from mribench.errors import GeometryError, describe


class Grid(NamedTuple):
    """A voxel grid: `shape` in voxels (x, y, z) and `affine`, voxel to RAS mm."""

    shape: tuple[int, ...]
    affine: np.ndarray

    @classmethod
    def of(cls, image: nibabel.Nifti1Image) -> "Grid":
        """Return the grid of an image (its first three axes)."""
        return cls(tuple(image.shape[:3]), np.asarray(image.affine, dtype=float))

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size in mm along the three axes, rounded to 1e-4 mm."""
        sizes = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return tuple(round(float(size), 4) for size in sizes)

    @property
    def orientation(self) -> str:
        """Directions of the voxel axes, such as ``RAS`` or ``LPS``."""
        return "".join(nibabel.aff2axcodes(self.affine))

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0


def corner_distance(first: Grid, second: Grid) -> float:
    """Return the largest distance in mm between corresponding corners of two grids.

    Both grids must have the same shape; the corners are voxel centres.
    """
    corners = np.array(list(product(*((0, size - 1) for size in first.shape))))
    points = np.c_[corners, np.ones(len(corners))]
    shift = points @ (first.affine - second.affine).T
    return float(np.linalg.norm(shift[:, :3], axis=1).max())


def difference(first: Grid, second: Grid, tolerance_mm: float) -> str | None:
    """Say in words how two grids differ, or return None where they agree.

    Parameters
    ----------
    first, second
        The grids.
    tolerance_mm
        Largest corner distance that still counts as the same grid.
    """
    if first.shape != second.shape:
        return f"shape {first.shape} against {second.shape} voxels"
    distance = corner_distance(first, second)
    if distance > tolerance_mm:
        return f"affines that place the same voxel up to {distance:.3g} mm apart"
    return None


def require_same_grid(
    first: Grid, second: Grid, *, subject: str, file: object, tolerance_mm: float
) -> None:
    """Raise where two grids differ.

    Raises
    ------
    GeometryError
        Names subject, file, the difference and the remedy.
    """
    found = difference(first, second, tolerance_mm)
    if found is not None:
        raise GeometryError(
            describe(
                subject=subject,
                file=file,
                found=found,
                expected=f"the same grid within {tolerance_mm:g} mm",
                remedy="resample the file onto the other grid, or correct its header",
            )
        )
