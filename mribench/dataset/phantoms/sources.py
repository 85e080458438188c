"""The anatomy that subjects are made from, on a 1 mm grid with room for the head.

A source comes from nilearn's MNI152 templates here, or from a real person's label
map (:mod:`mribench.dataset.phantoms.given`).
"""

from dataclasses import dataclass, replace
from functools import cache

import edt
import numpy as np
from scipy import ndimage

from mribench.dataset.geometry import Grid

SPACING = 1.0
MARGINS_MM = ((23, 23), (23, 26), (20, 22))
VENTRICLE_DEPTH_MM = 22.0
FISSURE_MM = 3
TEMPLATE_SIZE = 0.95
FRONT_MM, VERTEX_MM, SIDES_MM = 0.75, 1.0, 0.3


@dataclass(frozen=True)
class Source:
    """One anatomy before it is deformed; all arrays (x, y, z) on `grid`.

    Attributes
    ----------
    grid
        RAS grid of 1 mm around the brain.
    grey, white
        Fractions of grey and white matter, 0 to 1; the rest of the brain is
        cerebrospinal fluid.
    depth
        Signed distance in mm from the inner surface of the skull: positive in brain
        and spinal cord, negative outside.
    ventricles
        Signed distance in mm from the ventricles: negative inside.
    lesions
        Fraction of lesion tissue, or None where lesions are to be drawn.
    low, high
        Corners of the brain's bounding box in world mm.
    size
        Mean size of the subjects relative to the source.
    """

    grid: Grid
    grey: np.ndarray
    white: np.ndarray
    depth: np.ndarray
    ventricles: np.ndarray
    lesions: np.ndarray | None
    low: np.ndarray
    high: np.ndarray
    size: float

    @property
    def centre(self) -> np.ndarray:
        """Centre of the brain's bounding box in world mm."""
        return (self.low + self.high) / 2


def grid_around(brain: np.ndarray, affine: np.ndarray) -> tuple[Grid, np.ndarray, np.ndarray]:
    """Return the 1 mm RAS grid around a brain mask, and the brain's box in world mm."""
    corners = np.argwhere(brain)
    box = np.array([corners.min(axis=0), corners.max(axis=0)])
    choices = np.array(np.meshgrid(*box.T)).reshape(3, -1)
    world = affine[:3, :3] @ choices + affine[:3, 3:]
    low, high = world.min(axis=1), world.max(axis=1)
    start = np.floor(low) - [before for before, _ in MARGINS_MM]
    stop = np.ceil(high) + [after for _, after in MARGINS_MM]
    made = np.eye(4)
    made[:3, 3] = start
    x, y, z = (int(size) for size in (stop - start) / SPACING + 1)
    return Grid((x, y, z), made), low, high


def onto(array: np.ndarray, affine: np.ndarray, grid: Grid, order: int = 1) -> np.ndarray:
    """Interpolate `array` (x, y, z) with its `affine` onto `grid`; 0 outside, float32."""
    matrix = np.linalg.inv(affine) @ grid.affine
    return ndimage.affine_transform(
        array, matrix[:3, :3], matrix[:3, 3], grid.shape, np.float32, order, mode="constant"
    )


def build_source(
    grid: Grid,
    box: tuple[np.ndarray, np.ndarray],
    maps: tuple[np.ndarray, np.ndarray],
    brain: np.ndarray,
    lesions: np.ndarray | None = None,
    size: float = 1.0,
) -> Source:
    """Complete a source from tissue fractions and a brain mask on `grid`.

    The lowest slices of the brain are repeated downwards as spinal cord, so that the
    head can be built around both.

    Parameters
    ----------
    grid
        The 1 mm grid.
    box
        Corners of the brain's bounding box in world mm.
    maps
        Fractions of grey and white matter.
    brain
        Everything inside the skull, boolean.
    lesions
        Fraction of lesion tissue, or None.
    size
        Mean size of the subjects relative to the source.
    """
    grey, white = (np.clip(item, 0, 1) for item in maps)
    fluid = brain & (grey + white < 0.5)
    lowest = int(np.flatnonzero(brain.any(axis=(0, 1)))[0]) + 1
    inside = brain.copy()
    for array in (grey, white, inside):
        array[:, :, :lowest] = array[:, :, lowest : lowest + 1]
    depth = signed_distance(inside)
    middle = int(np.argwhere(brain.any(axis=(1, 2))).mean())
    ventricles = -signed_distance(find_ventricles(fluid, depth, middle))
    return Source(grid, grey, white, depth, ventricles, lesions, box[0], box[1], size)


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Return the distance in mm from a mask's surface on the 1 mm grid, positive inside."""
    inside = edt.edt(mask, parallel=1)
    outside = edt.edt(~mask, parallel=1)
    return inside - outside - 0.5 * np.sign(inside - outside).astype(np.float32)


def find_ventricles(fluid: np.ndarray, depth: np.ndarray, middle: int) -> np.ndarray:
    """Return the lateral ventricles: the large fluid spaces deep in each hemisphere, boolean.

    Parameters
    ----------
    fluid
        Voxels of cerebrospinal fluid.
    depth
        Distance in mm from the brain's surface.
    middle
        Index along x of the plane between the hemispheres, around which the fissure,
        which is as deep as the ventricles, is left out.
    """
    deep = fluid & (depth > VENTRICLE_DEPTH_MM)
    deep[middle - FISSURE_MM : middle + FISSURE_MM + 1] = False
    parts, _ = ndimage.label(deep)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept = np.flatnonzero(sizes > 0.3 * sizes.max())
    return np.isin(parts, kept)


@cache
def template_source() -> Source:
    """Return the source made from nilearn's MNI152 (2009a, symmetric) templates.

    Subjects are made smaller, because the template is larger than a typical brain.
    Sources: Fonov et al., NeuroImage 54 (2011) 313-327; Lancaster et al., Human Brain
    Mapping 28 (2007) 1194-1205 (size of the template).
    """
    from nilearn import datasets

    grey = datasets.load_mni152_gm_template(resolution=1)
    white = datasets.load_mni152_wm_template(resolution=1)
    mask = np.asarray(datasets.load_mni152_brain_mask(resolution=1).dataobj) > 0
    grid, low, high = grid_around(mask, grey.affine)
    start = np.rint(grid.affine[:3, 3] - grey.affine[:3, 3]).astype(int)
    maps = [
        shifted(image.get_fdata(dtype=np.float32), start, grid.shape) for image in (grey, white)
    ]
    brain = shifted(mask, start, grid.shape)
    made = build_source(grid, (low, high), (maps[0], maps[1]), brain, size=TEMPLATE_SIZE)
    return replace(made, depth=made.depth + supine_shift(grid, low, high))


def supine_shift(grid: Grid, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return by how many mm the inner skull lies further out than in the template.

    In a scanner people lie on their back: the brain sinks, and fluid gathers in front
    of it and at the vertex. Source: Rice et al., NeuroImage 64 (2013) 476-484.
    """
    right, front, top = (
        (2 * (start + np.arange(size)) - before - after) / (after - before)
        for start, size, before, after in zip(
            grid.affine[:3, 3], grid.shape, low, high, strict=True
        )
    )
    shift = -SIDES_MM * np.abs(right)[:, None, None] + FRONT_MM * front[:, None]
    shift = shift + VERTEX_MM * np.maximum(top, 0)
    return shift.astype(np.float32)


def shifted(array: np.ndarray, start: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the block of `shape` voxels from voxel `start` on, 0 beyond the array."""
    made = np.zeros(shape, array.dtype)
    to, come = [], []
    for first, size, available in zip(start, shape, array.shape, strict=True):
        low, high = max(first, 0), min(first + size, available)
        to.append(slice(low - first, high - first))
        come.append(slice(low, high))
    made[tuple(to)] = array[tuple(come)]
    return made
