"""Where in the brain lesions lie, and where the methods err: shares of the cases in MNI space."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mribench.dataset.geometry import Grid
from mribench.report import mosaic, slices, style
from mribench.report.case_images import CaseImages

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Bring = Callable[[str, np.ndarray, Grid], np.ndarray]
SLICES = 6
MOST_METHODS = 4
BITS = 2
MAP = "inferno"
DARKEST = 0.35
"""Where the colour map starts, so that a single case stands out."""
BRAIN_GREY = 0.4
"""Brightness of the template."""


@dataclass(frozen=True)
class Template:
    """The template and the way there.

    `brain` holds intensities (x, y, z, RAS+, 0 outside the brain), `spacing` the size of its
    voxels in mm; `bring` takes a case, whole numbers on a grid and that grid, and returns the
    numbers of the nearest voxels on the template's grid.
    """

    brain: np.ndarray
    spacing: tuple[float, ...]
    bring: Bring


class Shares(NamedTuple):
    """Shares of the cases, on the template's grid, by what is counted."""

    cases: int
    maps: dict[str, np.ndarray]


class HeatMaps:
    """Counts lesions and errors of all cases on the template's grid."""

    def __init__(self, template: Template, methods: Sequence[str]) -> None:
        self.template = template
        self.methods = list(methods)[:MOST_METHODS]
        names = ["reference"]
        for name in self.methods:
            names += [f"{name}: missed", f"{name}: false alarm"]
        self.counts = {name: np.zeros(template.brain.shape, np.int32) for name in names}
        self.cases = 0

    def add(self, images: CaseImages) -> None:
        """Count one case: reference and errors of all methods travel as bits of one number."""
        codes = (images.reference > 0).astype(np.int64)
        for place, name in enumerate(self.methods):
            kinds = slices.errors(images.reference, images.predictions[name]).astype(np.int64)
            codes |= kinds << (BITS * place + 1)
        brought = self.template.bring(images.case, codes, images.grid)
        self.counts["reference"] += (brought & 1).astype(np.int32)
        for place, name in enumerate(self.methods):
            kinds = brought >> (BITS * place + 1) & 3
            self.counts[f"{name}: missed"] += kinds == 3
            self.counts[f"{name}: false alarm"] += kinds == 2
        self.cases += 1

    def shares(self) -> Shares:
        """Return the counts as shares of the cases."""
        return Shares(self.cases, {name: map_ / self.cases for name, map_ in self.counts.items()})


def plot_heat_maps(shares: Shares, template: Template) -> "Figure":
    """Draw axial slices of the template with the shares on them, one row per map."""
    import matplotlib.pyplot as plt

    count = len(shares.maps)
    figure, axes = plt.subplots(
        count, 1, figsize=(style.COLUMN_INCHES, 0.86 * count + 0.5), squeeze=False
    )
    top = max(float(map_.max()) for map_ in shares.maps.values()) or 1.0
    for axis, (name, map_) in zip(axes[:, 0], shares.maps.items(), strict=True):
        shown = draw_row(axis, template, map_, top)
        axis.set_title(name, loc="left", pad=2)
    bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.6, aspect=40, pad=0.01)
    bar.set_label(f"share of the {shares.cases} cases")
    bar.outline.set_visible(False)
    return figure


def draw_row(axis: "Axes", template: Template, map_: np.ndarray, top: float) -> "AxesImage":
    """Draw slices of the template side by side, dark, with the shares above 0 on them."""
    from matplotlib.colors import ListedColormap

    height, width = slices.pixel_size(template.spacing, 2)
    brain = slices.grey(template.brain, cut(template, template.brain)) / 255
    share = np.ma.masked_equal(cut(template, map_), 0)
    bright = ListedColormap(colours())
    aspect = height / width
    axis.imshow(brain * BRAIN_GREY, cmap="gray", vmin=0, vmax=1, aspect=aspect)
    shown = axis.imshow(
        share, cmap=bright, vmin=0, vmax=top, aspect=aspect, interpolation="nearest"
    )
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    return shown


def colours() -> np.ndarray:
    """Return the brighter part of a colour map whose lightness rises evenly."""
    from matplotlib import colormaps

    shades: np.ndarray = colormaps[MAP](np.linspace(DARKEST, 1, 256))
    return shades


def cut(template: Template, array: np.ndarray) -> np.ndarray:
    """Return evenly spaced axial slices of an array, cropped to the brain, side by side."""
    brain = template.brain
    places = mosaic.spread(brain > 0, 2, SLICES)
    box = slices.head_box(
        slices.view(brain.max(axis=2, keepdims=True), 2, 0), slices.pixel_size(template.spacing, 2)
    )
    return np.hstack([slices.view(array, 2, place)[box] for place in places])
