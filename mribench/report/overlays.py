"""True and false positives and negatives on the slice that shows most of the reference."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mribench.report import slices, style
from mribench.report.case_images import CaseImages
from mribench.report.results import value_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHOICES = ("worst", "median", "best")
PICTURE_PIXELS = 400
"""Longer side of a picture."""


@dataclass(frozen=True)
class CaseView:
    """One slice of a case: the image, and the errors of every method on it.

    All arrays are rows x columns, cropped to the head; `image` is grey from 0 to 255,
    `errors` as :func:`slices.errors` has them, `pixel` the height and width in mm.
    """

    case: str
    pixel: tuple[float, float]
    image: np.ndarray
    errors: dict[str, np.ndarray]

    def picture(self, method: str | None = None) -> np.ndarray:
        """Return the slice, enlarged, with the errors of a method or without, for a palette."""
        kinds = np.zeros_like(self.image) if method is None else self.errors[method]
        return slices.enlarge(self.image, kinds, self.pixel, PICTURE_PIXELS)


def choose_cases(values: pd.Series) -> dict[str, str]:
    """Return the worst, median and best case by a metric where higher is better.

    Of n cases sorted from worst to best, the median is the one at place ceil(n / 2); equal
    values are sorted by name, and cases where the metric is undefined do not take part.
    """
    order = values.dropna().sort_index().sort_values(kind="stable").index
    if order.empty:
        return {}
    places = (0, math.ceil(len(order) / 2) - 1, len(order) - 1)
    return {choice: str(order[place]) for choice, place in zip(CHOICES, places, strict=True)}


def cut_view(images: CaseImages) -> CaseView:
    """Cut the slice to show out of a case."""
    reference, volume = images.reference, images.volume
    axis = slices.slice_axis(volume.spacing)
    place = slices.slice_to_show(reference, list(images.predictions.values()), axis)
    pixel = slices.pixel_size(volume.spacing, axis)
    plane = slices.view(volume.array, axis, place)
    rows, columns = slices.head_box(plane, pixel)

    def cut(array: np.ndarray) -> np.ndarray:
        return slices.view(array, axis, place)[rows, columns]

    picture = slices.grey(volume.array, cut(volume.array))
    errors = {
        name: slices.errors(cut(reference), cut(array))
        for name, array in images.predictions.items()
    }
    return CaseView(images.case, pixel, picture, errors)


def plot_overlays(views: dict[str, CaseView], values: pd.DataFrame, short: str) -> "Figure":
    """Draw worst, median and best case in rows, the image and all methods in columns.

    Parameters
    ----------
    views
        The case of each row, by choice.
    values
        The main metric by case (rows) and method (columns), written on the pictures.
    short
        Name of the main metric.
    """
    import matplotlib.pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    methods = list(values.columns)
    shape = (len(views), len(methods) + 1)
    width = min(style.PAGE_INCHES, 1.55 * shape[1])
    pictures = {choice: view.picture() for choice, view in views.items()}
    steepest = max(picture.shape[0] / picture.shape[1] for picture in pictures.values())
    height = shape[0] * (width - 0.3) / shape[1] * steepest + 0.4
    layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    figure, axes = plt.subplots(*shape, figsize=(width, height), squeeze=False, layout=layout)
    for row, (choice, view) in zip(axes, views.items(), strict=True):
        show(row[0], pictures[choice])
        row[0].set_ylabel(f"{choice}\n{view.case}")
        for axis, name in zip(row[1:], methods, strict=True):
            show(axis, view.picture(name))
            write_value(axis, short, value_of(values, view.case, name))
    for axis, name in zip(axes[0], ["image", *methods], strict=True):
        axis.set_title(name)
    add_key(figure)
    return figure


def show(axis: "Axes", picture: np.ndarray) -> None:
    """Show a picture without ticks and frame."""
    axis.imshow(slices.palette()[picture])
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)


def write_value(axis: "Axes", short: str, value: float) -> None:
    """Write a method's value into the lower left corner of its picture."""
    text = f"{short} {value:.2f}" if np.isfinite(value) else f"{short} undefined"
    axis.text(
        0.03, 0.03, text, transform=axis.transAxes, color="white", fontsize=6.5,
        bbox={"facecolor": "black", "alpha": 0.55, "linewidth": 0, "pad": 1.5},
    )  # fmt: skip


def add_key(figure: "Figure") -> None:
    """Name the colours below the pictures."""
    from matplotlib.patches import Patch

    patches = [
        Patch(color="#{:02x}{:02x}{:02x}".format(*colour), label=name)
        for name, colour in slices.COLOURS.items()
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=3, handlelength=1)
