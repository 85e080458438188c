"""Real people's label maps as sources of phantoms."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from mribench.dataset.geometry import Grid, require_same_grid
from mribench.dataset.phantoms.sources import Source, build_source, grid_around, onto
from mribench.errors import DataError, describe
from mribench.files import read_image

LABEL_NAMES = ("dseg.nii.gz", "tissue_fast.nii.gz")
FLUID, GREY, WHITE = 1, 2, 3


@lru_cache(maxsize=1)
def given_source(folder: str) -> Source:
    """Return the source made from a folder with label maps of one person.

    The folder holds ``dseg.nii.gz`` (or ``tissue_fast.nii.gz``): 1 cerebrospinal fluid,
    2 grey matter, 3 white matter; ``lesion_mask.nii.gz``; and, if the brain is larger
    than the labels, ``brain_mask.nii.gz``, whose unlabelled voxels count as fluid.
    Lesions count as white matter. Grids of one shape whose affines lie within half a
    voxel's diagonal count as one, since tools differ in whether the origin is the centre
    or the corner of the first voxel; voxels are then matched by index.

    Raises
    ------
    DataError
        If a file is missing or unreadable, a label is unexpected, or grids differ.
    """
    path = Path(folder)
    labels, grid = _read(path, _label_file(path))
    lesions, _ = _read(path, path / "lesion_mask.nii.gz", grid)
    mask = path / "brain_mask.nii.gz"
    brain = (_read(path, mask, grid)[0] > 0) if mask.exists() else labels > 0
    lesion = (lesions > 0) & brain
    grey = (labels == GREY) & ~lesion
    white = (labels == WHITE) | lesion
    fine, low, high = grid_around(brain, grid.affine)
    parts = [shrink(item, grid.affine) for item in (grey, white, brain, lesion)]
    maps = [onto(array, affine, fine) for array, affine in parts]
    return build_source(fine, (low, high), (maps[0], maps[1]), maps[2] > 0.5, maps[3])


def shrink(mask: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average blocks of voxels below 1 mm so that interpolation at 1 mm misses none.

    Returns
    -------
    The fraction (x, y, z), float32, of each block, and the affine of the blocks.
    """
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    array = mask.astype(np.float32)
    made = affine.copy()
    for axis, count in enumerate(np.maximum(np.rint(1 / sizes).astype(int), 1)):
        blocks = array.shape[axis] // count
        kept = np.moveaxis(array, axis, 0)[: blocks * count]
        kept = kept.reshape(blocks, count, *kept.shape[1:]).mean(axis=1, dtype=np.float32)
        array = np.moveaxis(kept, 0, axis)
        made[:3, 3] += made[:3, axis] * (count - 1) / 2
        made[:3, axis] *= count
    return array, made


def _label_file(folder: Path) -> Path:
    for name in LABEL_NAMES:
        if (folder / name).exists():
            return folder / name
    raise DataError(
        describe(
            subject=folder.name,
            file=folder / LABEL_NAMES[0],
            found="no such file",
            expected="a label map: 1 fluid, 2 grey matter, 3 white matter",
            remedy="put it there or correct dataset.phantoms.anatomy",
        )
    )


def _read(folder: Path, path: Path, grid: Grid | None = None) -> tuple[np.ndarray, Grid]:
    image = read_image(path)
    found = Grid.of(image)
    if grid is not None:
        half = 0.5 * float(np.linalg.norm(grid.spacing)) + 0.01
        require_same_grid(grid, found, subject=folder.name, file=path, tolerance_mm=half)
    array = np.asarray(image.dataobj)
    values = np.unique(array)
    if not np.isin(values, (0, FLUID, GREY, WHITE)).all() or values.max() == 0:
        raise DataError(
            describe(
                subject=folder.name,
                file=path,
                found=f"values {values[:8].tolist()}",
                expected="labels 0 to 3, not all 0",
                remedy="write the labels as 1 fluid, 2 grey matter, 3 white matter",
            )
        )
    return array.astype(np.uint8), found
