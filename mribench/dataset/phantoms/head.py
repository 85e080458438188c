"""What surrounds the brain: skull with marrow, scalp, face and neck, eyes, sinuses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mribench.dataset.phantoms.anatomy import COARSE_MM, Anatomy, refine
from mribench.dataset.phantoms.contrast import HEAD_TISSUES
from mribench.dataset.phantoms.fields import smooth_field

Ellipsoid = tuple[tuple[float, float, float], tuple[float, float, float]]

TABLE_MM = 1.6
SKIN_MM = 1.5
CORD_FLUID_MM = 2.5
AIR_MARGIN_MM = 3.0
EYES = (((-33.0, 68.0, -37.0), (12.5, 12.5, 12.5)), ((33.0, 68.0, -37.0), (12.5, 12.5, 12.5)))
ORBITS = (((-31.0, 58.0, -37.0), (16.0, 24.0, 16.0)), ((31.0, 58.0, -37.0), (16.0, 24.0, 16.0)))
FACE = (((0.0, 34.0, -52.0), (62.0, 58.0, 62.0)), ((0.0, -22.0, -110.0), (66.0, 70.0, 90.0)))
AIR = (
    ((0.0, 66.0, -48.0), (11.0, 24.0, 20.0)),
    ((24.0, 62.0, -62.0), (12.0, 14.0, 13.0)),
    ((-24.0, 62.0, -62.0), (12.0, 14.0, 13.0)),
    ((0.0, 28.0, -70.0), (9.0, 26.0, 14.0)),
)
PETROUS = (((-50.0, -32.0, -46.0), (14.0, 16.0, 13.0)), ((50.0, -32.0, -46.0), (14.0, 16.0, 13.0)))


@dataclass(frozen=True)
class Head:
    """Everything but the brain.

    Attributes
    ----------
    voxels
        Flat indices (n) of the voxels that hold any of it.
    fractions
        Fractions of `HEAD_TISSUES` (tissue, n); together below 1 at the skin.
    """

    voxels: np.ndarray
    fractions: np.ndarray

    def signal(self, weights: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Return the image (x, y, z) in which each tissue has its signal of `weights`."""
        image = np.zeros(shape, np.float32)
        image.ravel()[self.voxels] = weights @ self.fractions
        return image


def build_head(generator: np.random.Generator, anatomy: Anatomy) -> Head:
    """Build skull, scalp, face and neck around a brain and its cord.

    Skull and scalp follow the brain's surface with a smoothly random thickness; air
    spaces and the petrous bone stand where the template has them.

    Parameters
    ----------
    generator
        Source of the thicknesses and of the fat between muscles.
    anatomy
        The subject.
    """
    skull_mm, scalp_mm, fat_mm, streaks = draw_thickness(generator, anatomy)
    face = union(anatomy.place, FACE)
    thickness = refine(skull_mm + scalp_mm, anatomy.grid.shape)
    under_skin = np.maximum(thickness + anatomy.depth, refine(face, anatomy.grid.shape))
    filled = under_skin > -0.5
    filled[anatomy.box] &= ~anatomy.brain
    voxels = np.flatnonzero(filled)

    def at_voxels(coarse: np.ndarray) -> np.ndarray:
        return refine(coarse, anatomy.grid.shape).ravel()[voxels]

    depth, skin = anatomy.depth.ravel()[voxels], under_skin.ravel()[voxels]
    skull = at_voxels(skull_mm)
    air = ramp(at_voxels(union(anatomy.place, AIR))) * ramp(-depth - AIR_MARGIN_MM)
    bone = np.maximum(ramp(skull + depth), ramp(at_voxels(union(anatomy.place, PETROUS))))
    marrow = ramp(-depth - TABLE_MM) * ramp(skull - TABLE_MM + depth)
    fat = ramp(at_voxels(fat_mm) - skin) * ramp(skin - SKIN_MM)
    fat = np.maximum(fat, ramp(2 * at_voxels(streaks) - 1.5))
    fat = np.maximum(fat, ramp(at_voxels(union(anatomy.place, ORBITS))))
    eyes = ramp(at_voxels(union(anatomy.place, EYES)))
    beyond = ramp(skin) * (1 - air)
    return Head(voxels, combine(depth, beyond, bone, marrow, fat, eyes))


def combine(
    depth: np.ndarray,
    beyond: np.ndarray,
    bone: np.ndarray,
    marrow: np.ndarray,
    fat: np.ndarray,
    eyes: np.ndarray,
) -> np.ndarray:
    """Return the fractions of `HEAD_TISSUES` (tissue, n) from overlapping shapes.

    Parameters
    ----------
    depth
        Signed distance in mm from the inner skull (n); the cord is where it is positive.
    beyond
        Fraction of each voxel that is not air.
    bone, marrow, fat, eyes
        Shapes (0 to 1); eyes win over bone, bone over fat, fat over muscle, and
        marrow is a part of bone.
    """
    fractions = np.zeros((len(HEAD_TISSUES), len(depth)), np.float32)
    parts = dict(zip(HEAD_TISSUES, fractions, strict=True))
    parts["fluid"][:] = beyond * eyes
    rest = beyond - parts["fluid"]
    parts["marrow"][:] = rest * bone * marrow
    parts["bone"][:] = rest * bone - parts["marrow"]
    rest *= 1 - bone
    parts["fat"][:] = rest * fat
    parts["muscle"][:] = rest - parts["fat"]
    fractions[:, depth > 0] = 0
    parts["fluid"][(depth > 0) & (depth <= CORD_FLUID_MM)] = 1
    parts["white"][depth > CORD_FLUID_MM] = 1
    return fractions


def draw_thickness(
    generator: np.random.Generator, anatomy: Anatomy
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return thickness of skull, scalp and its fat in mm, and a field for fat streaks.

    All on the 2 mm grid. The scalp is thicker over the temples, where the muscle is.
    """

    def draw(low: float, high: float, spread: float, knot_mm: float = 30.0) -> np.ndarray:
        field = smooth_field(generator, anatomy.place.shape[1:], (COARSE_MM,) * 3, knot_mm)
        return np.asarray(np.float32(generator.uniform(low, high)) + np.float32(spread) * field)

    temple = np.exp(-(((anatomy.place[2] + 18) / 22) ** 2 + ((anatomy.place[1] - 15) / 30) ** 2))
    skull = np.maximum(draw(5.5, 7.5, 1.0), 4)
    scalp = np.maximum(draw(5.0, 7.5, 1.2) + 6 * temple, 3.5)
    return skull, scalp, np.maximum(draw(3.5, 5.5, 0.7), 2), draw(0.0, 0.0, 1.0, 7.0)


def union(place: np.ndarray, ellipsoids: Sequence[Ellipsoid]) -> np.ndarray:
    """Return the approximate signed distance in mm from a union of ellipsoids, positive inside.

    Parameters
    ----------
    place
        Points (3, x, y, z) in mm.
    ellipsoids
        Centre and half axes in mm.
    """
    made = np.full(place.shape[1:], -np.inf, np.float32)
    for centre, radii in ellipsoids:
        squared = sum(
            ((axis - np.float32(at)) / np.float32(radius)) ** 2
            for axis, at, radius in zip(place, centre, radii, strict=True)
        )
        np.maximum(made, (1 - np.sqrt(squared)) * min(radii), out=made)
    return made


def ramp(distance: np.ndarray) -> np.ndarray:
    """Return the share of a 1 mm voxel that is inside, from its signed distance in mm."""
    return np.clip(distance + np.float32(0.5), 0, 1)
