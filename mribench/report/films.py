"""Films of a case for the results page: its slices one below the other, errors as an overlay."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mribench.files import atomic
from mribench.report import slices
from mribench.report.case_images import CaseImages

LONGEST = 300
"""Longer side of a slice in pixels."""
MOST_SLICES = 24
FEW_SLICES = 8
MANY_CASES = 100
"""Studies with more cases show fewer slices of each."""
QUALITY = 80
OPACITY = 205
"""Of 255: errors let a little of the image shine through."""


class Film(NamedTuple):
    """What a page must know of a case's pictures.

    `places` are the numbers of the slices shown, from 0; `start` is the one to begin with,
    counted among them; `size` is width and height in pixels, `slices` how many the image has.
    """

    places: list[int]
    start: int
    size: tuple[int, int]
    slices: int


def save_film(images: CaseImages, folder: Path, most: int) -> Film:
    """Write ``image.jpg`` and ``<method>.png`` of a case, each with all slices below each other.

    Parameters
    ----------
    images
        The case.
    folder
        Where they go.
    most
        Largest number of slices.
    """
    volume, axis = images.volume, slices.slice_axis(images.volume.spacing)
    predictions = list(images.predictions.values())
    start = slices.slice_to_show(images.reference, predictions, axis)
    places = choose_slices([images.reference, *predictions], axis, start, most)
    pixel = slices.pixel_size(volume.spacing, axis)
    box = slices.head_box(slices.view(volume.array.max(axis=axis, keepdims=True), axis, 0), pixel)

    def frame(array: np.ndarray, place: int) -> np.ndarray:
        return slices.view(array, axis, place)[box]

    shades = slices.grey(volume.array, np.stack([frame(volume.array, p) for p in places]))
    size = frame_size(shades.shape[1:], pixel)
    save_image(list(shades), size, folder / "image.jpg")
    for name, prediction in images.predictions.items():
        kinds = [
            slices.errors(frame(images.reference, place), frame(prediction, place))
            for place in places
        ]
        save_errors(kinds, size, folder / f"{name}.png")
    return Film(places, places.index(start), size, volume.array.shape[axis])


def choose_slices(masks: list[np.ndarray], axis: int, start: int, most: int) -> list[int]:
    """Return the slices to show: those with anything in a mask, thinned evenly to `most`.

    `start` is always among them.
    """
    others = tuple(other for other in range(3) if other != axis)
    filled = np.flatnonzero(np.any([mask.any(axis=others) for mask in masks], axis=0))
    shown = {start}
    if filled.size:
        chosen = np.linspace(0, filled.size - 1, min(most - 1, filled.size)).round().astype(int)
        shown |= {int(filled[place]) for place in chosen}
    return sorted(shown)


def frame_size(shape: tuple[int, ...], pixel: tuple[float, float]) -> tuple[int, int]:
    """Return width and height of a slice of this shape (rows, columns) with square pixels."""
    height, width = (count * size for count, size in zip(shape, pixel, strict=True))
    factor = LONGEST / max(height, width)
    return round(width * factor), round(height * factor)


def save_image(shades: list[np.ndarray], size: tuple[int, int], path: Path) -> None:
    """Write grey slices (0 to 255) below each other as JPEG."""
    from PIL import Image

    frames = [Image.fromarray(shade).resize(size, Image.Resampling.BICUBIC) for shade in shades]
    film = Image.fromarray(np.vstack([np.asarray(frame) for frame in frames]))
    with atomic(path) as temporary:
        film.save(temporary, format="JPEG", quality=QUALITY)


def save_errors(kinds: list[np.ndarray], size: tuple[int, int], path: Path) -> None:
    """Write errors (see :func:`slices.errors`) below each other as PNG, clear elsewhere."""
    from PIL import Image

    frames = [Image.fromarray(kind).resize(size, Image.Resampling.NEAREST) for kind in kinds]
    film = Image.fromarray(np.vstack([np.asarray(frame) for frame in frames])).convert("P")
    film.putpalette([0, 0, 0, *(part for colour in slices.COLOURS.values() for part in colour)])
    with atomic(path) as temporary:
        film.save(temporary, format="PNG", optimize=True, transparency=bytes([0] + 3 * [OPACITY]))
