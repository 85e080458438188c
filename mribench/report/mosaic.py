"""Mosaics of slices with coloured outlines, as small PNG files."""

import base64
import io
from collections.abc import Iterable, Sequence

import numpy as np
from scipy import ndimage

from mribench.report import slices

GREYS = 250
OUTLINES = (
    (230, 60, 40),
    (250, 210, 40),
    (70, 150, 255),
    (60, 205, 120),
    (255, 255, 255),
)
"""Colours by name of use: red, yellow, blue, green, white (text)."""
RED, YELLOW, BLUE, GREEN, WHITE = range(GREYS, GREYS + len(OUTLINES))
LARGEST_BYTES = 60_000
SMALLER = 0.97
MARGIN_MM = 10.0
COARSER = (1, 2, 4, 8, 12, 16)


def spread(mask: np.ndarray, axis: int, count: int) -> list[int]:
    """Return `count` slice numbers along `axis`, evenly through the inner 70 % of a mask.

    Without any voxel in the mask they go through the whole array.
    """
    others = tuple(other for other in range(mask.ndim) if other != axis)
    filled = np.flatnonzero(mask.any(axis=others))
    first, last = (filled[0], filled[-1]) if filled.size else (0, mask.shape[axis] - 1)
    shares = np.linspace(0.15, 0.85, count)
    return [round(float(first + share * (last - first))) for share in shares]


def around(mask: np.ndarray, spacing: tuple[float, ...]) -> tuple[slice, ...]:
    """Return the box of a mask (x, y, z) with a margin of 10 mm; all where the mask is empty."""
    if not mask.any():
        return (slice(None),) * mask.ndim
    box = []
    for axis, size in enumerate(spacing):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        filled = np.flatnonzero(mask.any(axis=others))
        margin = round(MARGIN_MM / size)
        box.append(slice(max(int(filled[0]) - margin, 0), int(filled[-1]) + margin + 1))
    return tuple(box)


def tile(plane: np.ndarray, pixel: tuple[float, float], height: int, smooth: bool) -> np.ndarray:
    """Return a plane scaled to square pixels and the given height.

    Parameters
    ----------
    plane
        uint8, rows x columns.
    pixel
        Height and width of a pixel in mm.
    height
        Rows of the result.
    smooth
        Interpolate (pictures), or keep the values (labels).
    """
    from PIL import Image

    rows, columns = plane.shape
    width = max(1, round(height * columns * pixel[1] / (rows * pixel[0])))
    way = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(plane).resize((width, height), way))


def outline(region: np.ndarray) -> np.ndarray:
    """Return the outer pixels of a region, one pixel wide."""
    return region & ~ndimage.binary_erosion(region)


def edges(plane: np.ndarray, share: float = 0.12) -> np.ndarray:
    """Return the strongest edges of a picture: where the smoothed picture bends and is steep.

    Zero crossings of the Laplacian of a Gaussian (Marr and Hildreth 1980), limited to the
    `share` of the pixels inside the head with the steepest slope.
    """
    picture = plane.astype(np.float32)
    bend = ndimage.gaussian_laplace(picture, 1.6) < 0
    slope = ndimage.gaussian_gradient_magnitude(picture, 1.6)
    inside = picture > picture.mean() * 0.3
    if not inside.any():
        return np.zeros(plane.shape, bool)
    return outline(bend) & (slope > np.quantile(slope[inside], 1 - 2 * share))


def join(rows: Iterable[Sequence[np.ndarray]], gap: int = 3) -> np.ndarray:
    """Return one picture from rows of tiles of equal height, each row centred on black."""
    lines = []
    for row in rows:
        padded = [np.pad(item, ((0, gap), (0, gap))) for item in row]
        lines.append(np.hstack(padded))
    width = max(line.shape[1] for line in lines)
    return np.vstack([centred(line, width) for line in lines])


def centred(line: np.ndarray, width: int) -> np.ndarray:
    """Return a row of tiles in the middle of a black row of the given width."""
    left = (width - line.shape[1]) // 2
    return np.pad(line, ((0, 0), (left, width - line.shape[1] - left)))


def greys(array: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
    """Return an image (x, y, z) as 0 to 249, windowed by its positive voxels (`inside` a mask)."""
    levels = slices.grey(array if inside is None else array[inside], array).astype(np.uint16)
    return (levels * (GREYS - 1) // 255).astype(np.uint8)


def write_label(picture: np.ndarray, text: str, place: tuple[int, int]) -> np.ndarray:
    """Return the picture with a white text whose upper left corner is at (column, row)."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    draw.text(place, text, fill=WHITE, font=ImageFont.load_default(11))
    return np.asarray(image)


def encode(picture: np.ndarray) -> bytes:
    """Return a mosaic as PNG of at most 60 kB: with fewer greys, or smaller, where it must be."""
    for step in COARSER:
        packed = pack(coarser(picture, step))
        if len(packed) <= LARGEST_BYTES:
            return packed
    share = SMALLER * (LARGEST_BYTES / len(packed)) ** 0.5
    rows, columns = (np.arange(int(size * share)) / share for size in picture.shape)
    return encode(picture[np.ix_(rows.astype(int), columns.astype(int))])


def as_address(png: bytes) -> str:
    """Return a PNG as an address that a page can carry inside itself."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def coarser(picture: np.ndarray, step: int) -> np.ndarray:
    """Return the picture with grey values rounded to multiples of `step`; colours stay."""
    return np.where(picture < GREYS, picture // step * step, picture).astype(np.uint8)


def pack(picture: np.ndarray) -> bytes:
    """Return a picture as PNG bytes with the palette of greys and outline colours."""
    from PIL import Image

    ramp = np.repeat(np.linspace(0, 255, GREYS).round().astype(np.uint8)[:, None], 3, axis=1)
    table = np.vstack([ramp, np.asarray(OUTLINES, np.uint8)])
    image = Image.fromarray(picture).convert("P")
    image.putpalette(table.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
