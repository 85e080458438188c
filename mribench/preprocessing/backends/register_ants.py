"""Registration by antsRegistration (Avants et al. 2011) from antspyx, with mutual information.

Byte-repeatable: one ITK thread and ``ANTS_RANDOM_SEED``, which ``mribench.command`` sets,
and sampling on a regular lattice.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
from scipy import ndimage

from mribench.config import LinearTransform
from mribench.dataset.geometry import Grid
from mribench.preprocessing.alignment import align
from mribench.preprocessing.foreground import head_mask
from mribench.preprocessing.grids import respaced
from mribench.preprocessing.nine_degrees import nearest_with_nine_degrees
from mribench.preprocessing.sidecars import Tool
from mribench.preprocessing.transforms import (
    FIELD_SPACING_MM,
    Field,
    compose_field,
    points_of,
    read_field,
    write_affine,
)

TOOL = Tool("antsRegistration", "antspyx")
LEVELS_MM = (3.0, 1.5)
MARGIN_MM = 5.0


class Stage(NamedTuple):
    """One stage of antsRegistration, in the words of its command line."""

    transform: str
    sampling: str
    iterations: str
    tolerance: str
    smoothing: str
    shrink: str


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
        ``rigid`` (6 degrees of freedom), ``affine`` (12) or ``affine9`` (rotation, shift and
        three scales). antsRegistration has no transform with 9: that is the affine's nearest.
    mask
        Where in `fixed` (x, y, z) the metric looks; the head and 5 mm around it if None.
    """
    from mribench.preprocessing.ants_images import read_ants_affine

    spacing = min(np.linalg.norm(fixed.affine[:3, :3], axis=0))
    shrink = "x".join(str(max(1, round(size / spacing))) for size in LEVELS_MM)
    kind = "Rigid[0.1]" if transform == "rigid" else "Affine[0.1]"
    stage = Stage(kind, "Regular,0.25", "50x20", "1e-5", "1x0mm", shrink)
    with tempfile.TemporaryDirectory() as folder:
        _run(fixed, moving, align(fixed, moving), mask, stage, Path(folder))
        found = read_ants_affine(f"{folder}/out_0GenericAffine.mat")
    if transform == "affine9":
        return nearest_with_nine_degrees(found, points_of(fixed, head_mask(fixed)))
    return found


def register_deformable(
    fixed: nibabel.Nifti1Image,
    moving: nibabel.Nifti1Image,
    linear: np.ndarray,
    mask: np.ndarray | None = None,
) -> tuple[Field, Field]:
    """Refine a linear map by a diffeomorphism (SyN).

    Parameters
    ----------
    fixed, moving
        The images.
    linear
        Map of points (4 x 4, RAS mm) from `fixed` to `moving` to start from.
    mask
        Where in `fixed` (x, y, z) the metric looks; the head and 5 mm around it if None.

    Returns
    -------
    Displacement fields with the linear part composed in: points of `fixed` to `moving`,
    on `fixed`'s grid, and back, on a 2 mm grid over `moving`'s field of view.
    """
    stage = Stage("SyN[0.2,3,0]", "None", "40x20x10", "1e-6", "2x1x0vox", "4x2x1")
    with tempfile.TemporaryDirectory() as folder:
        _run(fixed, moving, linear, mask, stage, Path(folder))
        forward = read_field(Path(folder, "out_1Warp.nii.gz"))
        backward = read_field(Path(folder, "out_1InverseWarp.nii.gz"))
    there = respaced(Grid.of(moving), (FIELD_SPACING_MM,) * 3)
    return (
        compose_field([forward, linear], Grid.of(fixed)),
        compose_field([np.linalg.inv(linear), backward], there),
    )


def _run(
    fixed: nibabel.Nifti1Image,
    moving: nibabel.Nifti1Image,
    start: np.ndarray,
    mask: np.ndarray | None,
    stage: Stage,
    folder: Path,
) -> None:
    """Run one stage of antsRegistration; its transforms go to ``folder/out_*``."""
    import ants
    from ants.internal import get_pointer_string

    from mribench.preprocessing.ants_images import image_to_ants, to_ants

    write_affine(folder / "start.txt", start)
    # antsRegistration reads images through these pointers in single precision and masks as
    # bytes; other types would be misread without a word. The names keep the images alive.
    first, second = image_to_ants(fixed), image_to_ants(moving)
    around = to_ants(_head_region(fixed) if mask is None else mask, fixed.affine)
    around = around.clone("unsigned char")
    pointers = [get_pointer_string(item) for item in (first, second, around)]
    options = {
        "-d": "3",
        "--float": "1",
        "-z": "1",
        "-o": f"{folder}/out_",
        "-r": f"{folder}/start.txt",
        "-t": stage.transform,
        "-m": f"mattes[{pointers[0]},{pointers[1]},1,32,{stage.sampling}]",
        "-x": f"[{pointers[2]},NA]",
        "-c": f"[{stage.iterations},{stage.tolerance},10]",
        "-s": stage.smoothing,
        "-f": stage.shrink,
    }
    ants.registration([text for option in options.items() for text in option], None)


def _head_region(image: nibabel.Nifti1Image) -> np.ndarray:
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    outside = ndimage.distance_transform_edt(~head_mask(image), sampling=spacing)
    return outside <= MARGIN_MM
