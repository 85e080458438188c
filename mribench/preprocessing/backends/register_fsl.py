"""FLIRT (Jenkinson et al. 2002) and FNIRT (Andersson et al. 2007), by FSL.

FLIRT compares by mutual information and searches over rotations by itself. FNIRT compares
squared differences after its own correction of intensities, so both images must be of one
contrast, or nearly so. Both repeat their results and run in one thread.
"""

import tempfile
from pathlib import Path

import nibabel
import numpy as np

from mribench.config import LinearTransform
from mribench.dataset.geometry import Grid
from mribench.files import make_image, write_image
from mribench.preprocessing.fsl import (
    from_flirt,
    read_flirt,
    read_fnirt,
    run_fsl,
    to_flirt,
    write_flirt,
)
from mribench.preprocessing.grids import respaced
from mribench.preprocessing.sidecars import Tool
from mribench.preprocessing.transforms import FIELD_SPACING_MM, Field, compose_field

TOOL = Tool("FLIRT, FNIRT", "FSL")
DEGREES: dict[LinearTransform, int] = {"rigid": 6, "affine9": 9, "affine": 12}


def register_linear(
    fixed: nibabel.Nifti1Image,
    moving: nibabel.Nifti1Image,
    transform: LinearTransform,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Return the linear map of points (4 x 4, RAS mm) from `fixed` to `moving`.

    Parameters
    ----------
    fixed, moving
        The images, of any contrasts.
    transform
        ``rigid`` (6 degrees of freedom), ``affine9`` (and three scales) or ``affine`` (12).
    mask
        Where in `fixed` (x, y, z) the cost counts; everywhere if None.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target, matrix = _write_pair(Path(folder), fixed, moving)
        options = {}
        if mask is not None:
            options["refweight"] = str(Path(folder, "weight.nii.gz"))
            write_image(options["refweight"], make_image(mask, fixed.affine))
        run_fsl(
            "flirt",
            source,
            target,
            omat=str(matrix),
            dof=DEGREES[transform],
            cost="mutualinfo",
            searchcost="mutualinfo",
            **options,
            outputs=[matrix],
        )
        return from_flirt(read_flirt(matrix), moving, fixed)


def register_deformable(
    fixed: nibabel.Nifti1Image,
    moving: nibabel.Nifti1Image,
    linear: np.ndarray,
    mask: np.ndarray | None = None,
) -> tuple[Field, Field]:
    """Refine a linear map by FNIRT's splines.

    Parameters
    ----------
    fixed, moving
        The images, stripped, of one contrast.
    linear
        Map of points (4 x 4, RAS mm) from `fixed` to `moving` to start from.
    mask
        Where in `fixed` (x, y, z) the cost counts; everywhere if None.

    Returns
    -------
    Displacement fields with the linear part composed in: points of `fixed` to `moving`,
    on `fixed`'s grid, and back, on a 2 mm grid over `moving`'s field of view.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target, matrix = _write_pair(Path(folder), fixed, moving)
        write_flirt(matrix, to_flirt(linear, moving, fixed))
        names = ("splines", "forward", "backward", "weight")
        splines, forward, backward, weight = (Path(folder, f"{name}.nii.gz") for name in names)
        options = {"ref": str(target), "aff": str(matrix)}
        if mask is not None:
            options["refmask"] = str(weight)
            write_image(weight, make_image(mask, fixed.affine))
        made = {"cout": str(splines), "fout": str(forward)}
        run_fsl("fnirt", source, **options, **made, outputs=[splines, forward])
        # The inverse must stand on the grid of `moving`: another one has other coordinates.
        run_fsl("invwarp", forward, source, backward, outputs=[backward])
        there = read_fnirt(forward, moving, fixed)
        back = read_fnirt(backward, fixed, moving)
    return there, compose_field([back], respaced(Grid.of(moving), (FIELD_SPACING_MM,) * 3))


def _write_pair(
    folder: Path, fixed: nibabel.Nifti1Image, moving: nibabel.Nifti1Image
) -> tuple[Path, Path, Path]:
    """Write both images; return their paths, moving first, and that of the matrix."""
    source, target = folder / "moving.nii.gz", folder / "fixed.nii.gz"
    write_image(source, moving)
    write_image(target, fixed)
    return source, target, folder / "linear.mat"
