"""One subject's brain: the source deformed, with cortical detail of its own."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mribench.dataset.geometry import Grid
from mribench.dataset.phantoms.deformation import Deformation
from mribench.dataset.phantoms.fields import smooth_field
from mribench.dataset.phantoms.sources import Source

Box = tuple[slice, slice, slice]
COARSE_MM = 2.0
SHARPNESS = 3.6
DETAIL = 0.7
DETAIL_MM = 3.0
FLUID_BIAS = 3.8
FLUID_PER_YEAR = 0.03
LOSS_PER_YEAR_MM = 0.05
RIM_MM = 1.3
TEMPLATE_CENTRE = np.array([0.0, -17.0, 5.0])
TEMPLATE_SIZE = np.array([144.0, 180.0, 154.0])


@dataclass(frozen=True)
class Anatomy:
    """A subject's head at rest.

    Attributes
    ----------
    grid
        RAS grid of 1 mm.
    box
        The part of the grid that holds the brain.
    tissues
        Fractions (3, x, y, z) of grey matter, white matter and cerebrospinal fluid on
        `box`; they sum to 1 in the brain and to 0 outside.
    ventricles
        Signed distance in mm from the ventricles on `box`: negative inside.
    lesions
        Lesion fraction of a given anatomy on `box`, or None.
    depth
        Signed distance in mm from the inner skull on the whole grid, positive inside.
    place
        Where each voxel of the 2 mm grid lies in the template, world mm (3, x, y, z).
    """

    grid: Grid
    box: Box
    tissues: np.ndarray
    ventricles: np.ndarray
    lesions: np.ndarray | None
    depth: np.ndarray
    place: np.ndarray

    @property
    def brain(self) -> np.ndarray:
        """The brain mask on `box`, boolean."""
        return np.asarray(self.tissues.any(axis=0))

    @property
    def box_grid(self) -> Grid:
        """The grid of `box`."""
        affine = self.grid.affine.copy()
        affine[:3, 3] += [part.start for part in self.box]
        return Grid(self.ventricles.shape, affine)


def make_anatomy(
    generator: np.random.Generator, source: Source, deformation: Deformation, age: float
) -> Anatomy:
    """Deform a source into a subject.

    Parameters
    ----------
    generator
        Source of randomness.
    source
        The anatomy to start from.
    deformation
        The map from the subject to the source.
    age
        Age in years.
    """
    grid = source.grid
    depth, ventricles, points = coarse_channels(source, deformation)
    brain = (depth > 0) & (refine(points[2], grid.shape) > source.low[2])
    box = ndimage.find_objects(brain.astype(np.uint8))[0]
    shape = [part.stop - part.start for part in box]
    there = deformation.points(shape, 1.0, [part.start for part in box])
    grey, white = (warp(item, grid, there) for item in (source.grey, source.white))
    ventricles = ventricles[box]
    if source.lesions is None:
        ventricles -= np.float32(LOSS_PER_YEAR_MM * (age - 30))
        maps = (grey, white, 1 - grey - white)
        tissues = individual_tissues(generator, maps, depth[box], ventricles, age)
        lesions = None
    else:
        tissues = np.stack([grey, white, 1 - grey - white])
        lesions = warp(source.lesions, grid, there) * brain[box]
    tissues *= brain[box]
    return Anatomy(grid, box, tissues, ventricles, lesions, depth, place_of(points, source))


def individual_tissues(
    generator: np.random.Generator,
    maps: tuple[np.ndarray, np.ndarray, np.ndarray],
    depth: np.ndarray,
    ventricles: np.ndarray,
    age: float,
) -> np.ndarray:
    """Return tissue fractions (3, x, y, z) of one plausible person.

    Group templates are blurred averages. Sharpening their probabilities and adding
    smooth noise to their logarithms gives each person sulci of their own, wider with
    age, and a rim of fluid under the skull.

    Parameters
    ----------
    generator
        Source of randomness.
    maps
        The template's grey matter, white matter and fluid, deformed.
    depth
        Signed distance in mm from the inner skull, positive inside.
    ventricles
        Signed distance in mm from this person's ventricles, negative inside.
    age
        Age in years.
    """
    rim = np.clip(1.5 - np.maximum(depth, 0) / RIM_MM, 0, None)
    logits = np.empty((3, *depth.shape), np.float32)
    for logit, fraction in zip(logits, maps, strict=True):
        detail = smooth_field(generator, depth.shape, (1.0,) * 3, DETAIL_MM)
        logit[:] = SHARPNESS * np.log(np.maximum(fraction, 0) + 0.002) + DETAIL * detail
    logits[2] += FLUID_BIAS + FLUID_PER_YEAR * (age - 45) + 3 * rim
    logits[2] += 20 * np.clip(0.5 - ventricles, 0, 1)
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits


def coarse_channels(
    source: Source, deformation: Deformation
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return depth and ventricle distance at 1 mm, and the source's points at 2 mm.

    Distances are smooth enough to be deformed on a 2 mm grid.
    """
    shape = [int(np.ceil(size / COARSE_MM)) + 1 for size in source.grid.shape]
    points = deformation.points(shape, COARSE_MM, (0.0, 0.0, 0.0))
    depth, ventricles = (
        refine(warp(item, source.grid, points), source.grid.shape)
        for item in (source.depth, source.ventricles)
    )
    return depth, ventricles, points


def place_of(points: np.ndarray, source: Source) -> np.ndarray:
    """Return points of a source as points of the template, by their brains' boxes."""
    scale = (TEMPLATE_SIZE / (source.high - source.low)).astype(np.float32)
    centred = points - source.centre.astype(np.float32).reshape(3, 1, 1, 1)
    return centred * scale.reshape(3, 1, 1, 1) + TEMPLATE_CENTRE.astype(np.float32).reshape(
        3, 1, 1, 1
    )


def warp(array: np.ndarray, grid: Grid, points: np.ndarray) -> np.ndarray:
    """Interpolate `array` on a 1 mm RAS grid linearly at world `points` (3, x, y, z)."""
    index = points - grid.affine[:3, 3].astype(np.float32).reshape(3, 1, 1, 1)
    return ndimage.map_coordinates(array, index, np.float32, order=1, mode="nearest")


def refine(coarse: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Interpolate linearly from the 2 mm grid to the 1 mm grid with the same first voxel."""
    field = coarse
    for axis, size in enumerate(shape):
        field = np.moveaxis(field, axis, 0)
        fine = np.empty((size, *field.shape[1:]), np.float32)
        fine[::2] = field[: len(fine[::2])]
        between = fine[1::2]
        np.add(field[: len(between)], field[1 : len(between) + 1], out=between)
        between *= 0.5
        field = np.moveaxis(fine, 0, axis)
    return np.ascontiguousarray(field)
