"""The voxel grids that variants work on, and the chains of transforms between them."""

from collections.abc import Sequence

import numpy as np

from mribench.config import Grid as GridSettings
from mribench.config import Variant
from mribench.dataset.geometry import Grid

TEMPLATE = "MNI152NLin2009aSym"
ROUNDING = 1e-6
Link = tuple[str, str]


def respaced(grid: Grid, spacing: Sequence[float]) -> Grid:
    """Return the grid of voxel size `spacing` (mm) that covers `grid`'s field of view.

    Directions and centre stay; a field of view that is no multiple of the voxel size
    is rounded up.
    """
    old = np.linalg.norm(grid.affine[:3, :3], axis=0)
    new = np.asarray(spacing, dtype=float)
    shape = np.ceil(np.array(grid.shape) * old / new - 1e-3).astype(int)
    linear = grid.affine[:3, :3] / old * new
    centre = grid.affine @ [*((np.array(grid.shape) - 1) / 2), 1]
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = centre[:3] - linear @ ((shape - 1) / 2)
    return Grid(tuple(int(size) for size in shape), affine)


def variant_grid(settings: GridSettings, reference: Grid) -> Grid:
    """Return the grid of a variant's whole field of view, before it is cut to a size.

    Parameters
    ----------
    settings
        The variant's grid settings.
    reference
        Grid of the conformed reference contrast.
    """
    if settings.space == "template":
        from mribench.preprocessing.template import template_grid

        base = template_grid()
    else:
        base = reference
    if settings.resize is not None:
        wanted = fill_axes(settings.resize, base.shape)
        old = np.linalg.norm(base.affine[:3, :3], axis=0)
        return respaced(base, (old * base.shape / wanted).tolist())
    if settings.spacing == "native":
        return base
    spacing = settings.spacing
    return respaced(base, spacing if isinstance(spacing, tuple) else (spacing,) * 3)


def fill_axes(wanted: Sequence[int | None], own: Sequence[int]) -> list[int]:
    """Return the voxels wanted along each axis; None stands for what the grid has."""
    return [have if want is None else want for want, have in zip(wanted, own, strict=True)]


def cut_grid(grid: Grid, size: Sequence[int], centre: np.ndarray) -> Grid:
    """Return the grid of `size` voxels around a point, on the same lattice as `grid`.

    Parameters
    ----------
    grid
        Voxels are kept or added, never moved: nothing is interpolated.
    size
        Voxels along the three axes.
    centre
        Voxel index (3,) in `grid`, which the middle meets within half a voxel.
    """
    middle = (np.asarray(size) - 1) / 2
    first = np.floor(np.asarray(centre) - middle + 0.5 - ROUNDING)
    affine = grid.affine.copy()
    affine[:3, 3] = (grid.affine @ [*first, 1])[:3]
    return Grid(tuple(size), affine)


def onto_variant(contrast: str, reference: str, anatomy: str, space: str) -> list[Link]:
    """Return the transforms that bring images of `contrast` onto a variant's grid.

    Parameters
    ----------
    contrast
        The contrast of the images.
    reference, anatomy
        The contrasts in these roles.
    space
        ``reference`` or ``template``.

    Returns
    -------
    Pairs (from, to) of transform files, the one that acts on points first.
    """
    chain: list[Link] = []
    here = reference
    if space == "template":
        chain.append((anatomy, TEMPLATE))
        here = anatomy
    if contrast == here:
        return chain
    if here != reference:
        chain.append((reference, here))
    if contrast != reference:
        chain.append((contrast, reference))
    return chain


def variant_links(variant: Variant, contrasts: Sequence[str]) -> list[Link]:
    """Return all transforms that ``resample_images`` needs in a variant, without repetition."""
    roles = (variant.reference, variant.anatomy, variant.grid.space)
    found = [link for contrast in contrasts for link in onto_variant(contrast, *roles)]
    return list(dict.fromkeys(found))
