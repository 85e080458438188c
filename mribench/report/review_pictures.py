"""The pictures of a preprocessing review: outlines, bias fields, registrations to blink between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from mribench.report import mosaic, slices

COLUMNS = 3
"""Slices per plane where a picture shows all three planes."""
BIAS_COLUMNS = 4
TILE_HEIGHT = 160
THUMBNAIL_HEIGHT = 120
PLANES = (2, 1, 0)
TISSUES = {"GM": 1, "WM": 2, "CSF": 3}
Outlines = Sequence[tuple[np.ndarray, int]]


class Frame(NamedTuple):
    """One picture: its pixels (entries of the mosaic's palette) and what it shows."""

    pixels: np.ndarray
    alt: str

    @property
    def address(self) -> str:
        """The picture as an address that holds it."""
        return mosaic.as_address(mosaic.encode(self.pixels))


class Choice(NamedTuple):
    """A way to look at the frames: ``show-a`` a single one, ``blink-ab`` two in turn."""

    style: str
    label: str


@dataclass(frozen=True)
class Picture:
    """Frames that lie on each other, the choices between them, title and what to look for."""

    name: str
    title: str
    caption: str
    frames: list[Frame]
    choices: list[Choice] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Registration:
    """A registration as the review shows it.

    `fixed`, `before` (scanner coordinates) and `after` are arrays (x, y, z) on one grid with
    voxels of `spacing` mm. `record` is what the review's JSON file says about it.
    """

    moving_name: str
    fixed_name: str
    fixed: np.ndarray
    before: np.ndarray
    after: np.ndarray
    spacing: tuple[float, ...]
    record: dict[str, Any]

    @property
    def title(self) -> str:
        """From what to what."""
        return f"{self.moving_name} to {self.fixed_name}"


class Anatomy(NamedTuple):
    """The anatomical image with what was found in it, cut to the brain."""

    name: str
    greys: np.ndarray
    brain: np.ndarray
    labels: np.ndarray
    spacing: tuple[float, ...]

    @property
    def brain_outline(self) -> Outlines:
        """The brain mask in red."""
        return [(self.brain, mosaic.RED)]

    @property
    def tissue_outlines(self) -> Outlines:
        """CSF in blue and white matter in yellow."""
        colours = {"CSF": mosaic.BLUE, "WM": mosaic.YELLOW}
        return [(self.labels == TISSUES[name], colour) for name, colour in colours.items()]


def cut_anatomy(
    name: str, image: slices.Volume, mask: slices.Volume, labels: slices.Volume
) -> Anatomy:
    """Return the anatomy in grey levels, cut to the box around the brain."""
    box = mosaic.around(mask.array > 0, image.spacing)
    brain = mask.array[box] > 0
    greys = mosaic.greys(image.array[box], brain)
    return Anatomy(name, greys, brain, labels.array[box], image.spacing)


def draw_mask(anatomy: Anatomy) -> Picture:
    """Draw the outline of the brain mask in three planes."""
    caption = (
        f"{anatomy.name} after bias correction with the outline of the brain mask. It should "
        "follow the brain, without skull or eyes inside and without cortex outside."
    )
    alt = f"{anatomy.name} in three planes with the brain mask outlined in red"
    drawn = outline_mosaic(anatomy, anatomy.brain_outline)
    return Picture("mask", "Brain mask", caption, [Frame(drawn, alt)])


def draw_tissues(anatomy: Anatomy) -> Picture:
    """Draw the outlines of white matter and CSF in three planes."""
    caption = (
        f"{anatomy.name} after bias correction with the outlines of white matter (yellow) and "
        "CSF (blue). Grey matter lies between them."
    )
    alt = f"{anatomy.name} in three planes with white matter outlined in yellow, CSF in blue"
    drawn = outline_mosaic(anatomy, anatomy.tissue_outlines)
    return Picture("tissues", "Tissues", caption, [Frame(drawn, alt)])


def draw_thumbnail(anatomy: Anatomy) -> np.ndarray:
    """Draw the middle slice of each plane with all outlines."""
    every = [*anatomy.tissue_outlines, *anatomy.brain_outline]
    return outline_mosaic(anatomy, every, 1, THUMBNAIL_HEIGHT, in_rows=False)


def outline_mosaic(
    anatomy: Anatomy,
    outlines: Outlines,
    columns: int = COLUMNS,
    height: int = TILE_HEIGHT,
    in_rows: bool = True,
) -> np.ndarray:
    """Draw slices through the brain with outlines, one row per plane or all in one row."""
    rows = [
        [
            outlined(anatomy.greys, outlines, anatomy.spacing, axis, place, height)
            for place in mosaic.spread(anatomy.brain, axis, columns)
        ]
        for axis in PLANES
    ]
    return mosaic.join(rows if in_rows else [[tile for row in rows for tile in row]])


def outlined(
    picture: np.ndarray,
    outlines: Outlines,
    spacing: tuple[float, ...],
    axis: int,
    place: int,
    height: int,
) -> np.ndarray:
    """Return one tile: a slice of `picture` with the outlines of regions in colour."""
    pixel = slices.pixel_size(spacing, axis)
    drawn = mosaic.tile(slices.view(picture, axis, place), pixel, height, smooth=True).copy()
    for region, colour in outlines:
        plane = slices.view(region, axis, place).astype(np.uint8)
        drawn[mosaic.outline(mosaic.tile(plane, pixel, height, smooth=False) > 0)] = colour
    return drawn


def draw_bias(
    contrast: str, before: slices.Volume, after: slices.Volume, bias: slices.Volume
) -> Picture:
    """Draw slices before and after bias correction, and the field."""
    head = before.array > before.array.mean()
    box = mosaic.around(head, before.spacing)
    low, high = field_range(bias.array, head)
    scaled = np.clip((bias.array - low) / max(high - low, 1e-6), 0, 1) * (mosaic.GREYS - 1)
    axis = slices.slice_axis(before.spacing)
    places = mosaic.spread(head[box], axis, BIAS_COLUMNS)
    arrays = {
        "before": grey_levels(before.array[box]),
        "after": grey_levels(after.array[box]),
        "field": scaled.astype(np.uint8)[box],
    }
    alts = {
        "before": f"{contrast} before bias correction",
        "after": f"{contrast} after bias correction",
        "field": f"bias field of the {contrast}, black {low:.2f} to white {high:.2f}",
    }
    frames = [
        Frame(plane_mosaic(array, before.spacing, axis, places, name), alts[name])
        for name, array in arrays.items()
    ]
    caption = (
        f"{contrast} before and after bias correction, and the estimated field, black {low:.2f} "
        f"to white {high:.2f}. White matter should be equally bright all over after correction."
    )
    choices = [
        Choice("blink-ab", "Blink before and after"),
        Choice("show-a", "Before"),
        Choice("show-b", "After"),
        Choice("show-c", "Field"),
    ]
    return Picture(f"bias_{contrast}", f"Bias field of the {contrast}", caption, frames, choices)


def grey_levels(array: np.ndarray) -> np.ndarray:
    """Return a head in grey levels that suit its inner half, so that fat does not darken it."""
    middle = tuple(slice(size // 4, size - size // 4) for size in array.shape)
    inside = np.zeros(array.shape, bool)
    inside[middle] = True
    return mosaic.greys(array, inside)


def field_range(bias: np.ndarray, head: np.ndarray) -> tuple[float, float]:
    """Return the 1st and 99th percentile of a bias field inside the head."""
    low, high = np.percentile(bias[head], (1, 99))
    return float(low), float(high)


def plane_mosaic(
    greys: np.ndarray, spacing: tuple[float, ...], axis: int, places: list[int], label: str
) -> np.ndarray:
    """Draw slices of one plane in a row, with a label in the corner."""
    pixel = slices.pixel_size(spacing, axis)
    tiles = [
        mosaic.tile(slices.view(greys, axis, place), pixel, TILE_HEIGHT, smooth=True)
        for place in places
    ]
    tiles[0] = mosaic.write_label(tiles[0], label, (3, 2))
    return mosaic.join([tiles])


def draw_registration(key: str, pair: Registration) -> Picture:
    """Draw a registration in three planes: reference, before, after, and edges on it."""
    inside = pair.fixed > pair.fixed.mean()
    box = mosaic.around(inside, pair.spacing)
    places = {axis: mosaic.spread(inside[box], axis, COLUMNS) for axis in PLANES}
    fixed, before, after = (
        grey_levels(array[box]) for array in (pair.fixed, pair.before, pair.after)
    )
    moving, reference = pair.moving_name, pair.fixed_name
    frames = [
        Frame(three_planes(fixed, pair.spacing, places, reference), f"{reference}, the reference"),
        Frame(
            three_planes(before, pair.spacing, places, "before"),
            f"{moving} before registration to the {reference}, in scanner coordinates",
        ),
        Frame(
            three_planes(after, pair.spacing, places, "after"),
            f"{moving} after registration to the {reference}",
        ),
        Frame(
            three_planes(after, pair.spacing, places, "edges", fixed),
            f"{moving} after registration with the edges of the {reference} in yellow",
        ),
    ]
    choices = [
        Choice("blink-ac", "Blink reference and after"),
        Choice("blink-ab", "Blink reference and before"),
        Choice("show-a", "Reference"),
        Choice("show-b", "Before"),
        Choice("show-c", "After"),
        Choice("show-d", "Edges"),
    ]
    caption = (
        f"{moving} before and after registration to the {reference}. Blinking between reference "
        "and after, only the contrast should change, nothing should move; the edges of the "
        f"{reference} (yellow) should run along the brain surface and the ventricles."
    )
    title = f"Registration: {pair.title}"
    flaws = list(pair.record["flaws"])
    return Picture(f"registration_{key}", title, caption, frames, choices, flaws)


def three_planes(
    greys: np.ndarray,
    spacing: tuple[float, ...],
    places: dict[int, list[int]],
    label: str,
    edges_of: np.ndarray | None = None,
) -> np.ndarray:
    """Draw slices in three planes, with the edges of another image on the same grid if given."""
    rows = []
    for axis in PLANES:
        pixel = slices.pixel_size(spacing, axis)
        tiles = []
        for place in places[axis]:
            drawn = mosaic.tile(slices.view(greys, axis, place), pixel, TILE_HEIGHT, smooth=True)
            if edges_of is not None:
                other = slices.view(edges_of, axis, place)
                lines = mosaic.edges(mosaic.tile(other, pixel, TILE_HEIGHT, smooth=True))
                drawn = np.where(lines, mosaic.YELLOW, drawn).astype(np.uint8)
            tiles.append(drawn)
        rows.append(tiles)
    rows[0][0] = mosaic.write_label(rows[0][0], label, (3, 2))
    return mosaic.join(rows)
