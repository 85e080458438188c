"""FSL (Jenkinson et al. 2012) through fslpy: running its programs, and its transforms.

FSL places voxels in coordinates of its own: index times voxel size, the first axis
reversed where the affine has a positive determinant. Its matrices and fields map these
coordinates of one image to those of another and mean nothing without both images. Here
they become maps between points in RAS mm as soon as they are read.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from mribench import programs
from mribench.preprocessing.made_images import read_made
from mribench.preprocessing.transforms import Field

# FSL's programs stop where this is not set, and name their outputs by it.
ENVIRONMENT = {"FSLOUTPUTTYPE": "NIFTI_GZ"}


def run_fsl(wrapper: str, *arguments: str | Path, outputs: Sequence[Path], **options: Any) -> None:
    """Run a command of FSL.

    Parameters
    ----------
    wrapper
        Name of the command's wrapper in fslpy.
    arguments, options
        The wrapper's own.
    outputs
        Files that the command must leave.

    Raises
    ------
    ProgramError
        If FSL is missing or the command failed.
    """
    programs.require("FSL")
    os.environ["FSLDIR"] = str(programs.home("FSL"))
    from fsl import wrappers

    write: Callable[..., list[str]] = getattr(wrappers, wrapper)
    texts = [str(argument) for argument in arguments]
    command = write(*texts, cmdonly=True, **options)
    programs.run("FSL", command, outputs, ENVIRONMENT)


def from_flirt(
    matrix: np.ndarray, moving: nibabel.Nifti1Image, fixed: nibabel.Nifti1Image
) -> np.ndarray:
    """Return the map of points (4 x 4, RAS mm) from `fixed` to `moving` of a FLIRT matrix.

    Parameters
    ----------
    matrix
        FLIRT's matrix (4 x 4), which goes from FSL's coordinates of `moving` (``-in``) to
        those of `fixed` (``-ref``).
    moving, fixed
        The images it was made with.
    """
    from fsl.transform.flirt import fromFlirt

    there = fromFlirt(matrix, _fsl_image(moving), _fsl_image(fixed), "world", "world")
    return np.linalg.inv(there)


def to_flirt(
    points: np.ndarray, moving: nibabel.Nifti1Image, fixed: nibabel.Nifti1Image
) -> np.ndarray:
    """Return the FLIRT matrix of a map of points (4 x 4, RAS mm) from `fixed` to `moving`."""
    from fsl.transform.flirt import toFlirt

    there = np.linalg.inv(points)
    return np.asarray(toFlirt(there, _fsl_image(moving), _fsl_image(fixed), "world", "world"))


def write_flirt(path: Path, matrix: np.ndarray) -> None:
    """Write a FLIRT matrix as FSL does: four lines of four numbers."""
    np.savetxt(path, matrix, fmt="%.15g")


def read_flirt(path: Path) -> np.ndarray:
    """Read a FLIRT matrix (4 x 4).

    Raises
    ------
    ProgramError
        If the file holds anything else than four lines of four numbers.
    """
    try:
        matrix = np.loadtxt(path)
    except ValueError:
        matrix = np.empty(0)
    if matrix.shape != (4, 4):
        found, expected = f"{path.name} that is no matrix", "four lines of four numbers"
        raise programs.ProgramError("FSL", found, expected, programs.remedy("FSL"))
    return matrix


def read_fnirt(path: Path, moving: nibabel.Nifti1Image, fixed: nibabel.Nifti1Image) -> Field:
    """Read a field of FNIRT or invwarp as displacements (RAS mm) from `fixed` to `moving`.

    Parameters
    ----------
    path
        A field of displacements between FSL's coordinates, affine part included, on the
        grid of `fixed`.
    moving, fixed
        The images that it brings from and onto.
    """
    from fsl.transform.fnirt import fromFnirt
    from fsl.transform.nonlinear import DeformationField

    found = read_made("FSL", path, (*fixed.shape, 3))
    field = DeformationField(
        found.astype(np.float64),
        xform=fixed.affine,
        src=_fsl_image(moving),
        ref=_fsl_image(fixed),
        srcSpace="fsl",
        refSpace="fsl",
        defType="relative",
    )
    return Field(fromFnirt(field, "world", "world").data.astype(np.float32), fixed.affine)


def _fsl_image(image: nibabel.Nifti1Image) -> Any:
    from fsl.data.image import Image

    return Image(image)
