"""How a metric spreads over the cases: boxes, points, and one thin line per case."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mribench.metrics.conventions import Metric
from mribench.report import style
from mribench.report.measures import is_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW_CASES = 40
"""Up to so many cases the paired lines are drawn strongly enough to be followed."""
FEW_METHODS = 4
"""Up to so many methods have their names side by side."""


def plot_distribution(tables: dict[str, pd.DataFrame], metric: Metric) -> "Figure":
    """Draw one panel per label: methods side by side, the cases as points joined by lines.

    Parameters
    ----------
    tables
        Per label, one value per case (rows) and method (columns); missing where undefined.
    metric
        The metric: its title and unit.
    """
    import matplotlib.pyplot as plt

    height = 2.5 * len(tables)
    figure, axes = plt.subplots(
        len(tables), 1, figsize=(style.COLUMN_INCHES, height), squeeze=False
    )
    for axis, (label, table) in zip(axes[:, 0], tables.items(), strict=True):
        draw_panel(axis, table)
        axis.set_ylabel(metric.heading)
        if len(tables) > 1:
            axis.set_title(label, loc="left")
        if is_share(metric):
            axis.set_ylim(-0.03, 1.03)
    return figure


def draw_panel(axis: "Axes", table: pd.DataFrame) -> None:
    """Draw boxes, paired lines and points of one label."""
    methods = list(table.columns)
    places = np.arange(len(methods))
    strength = 0.5 if len(table) <= FEW_CASES else 0.12
    shifts = sideways(table)
    axis.plot(
        (places[:, None] + shifts.T), table.T.to_numpy(), color="#9aa1ac", lw=0.4, alpha=strength
    )
    draw_boxes(axis, table)
    for place, name in enumerate(methods):
        axis.plot(
            place + shifts[:, place],
            table[name],
            linestyle="none",
            marker=style.markers(methods)[name],
            markersize=2.6,
            markeredgewidth=0,
            alpha=0.75,
            color=style.colours(methods)[name],
        )
    counts = [f"{name}\nn = {int(table[name].notna().sum())}" for name in methods]
    crowded = len(methods) > 4
    axis.set_xticks(
        places, counts, rotation=35 if crowded else 0, ha="right" if crowded else "center"
    )
    axis.grid(visible=False, axis="x")


def draw_boxes(axis: "Axes", table: pd.DataFrame) -> None:
    """Draw median, quartiles and whiskers (1.5 interquartile ranges) of each method."""
    methods = list(table.columns)
    boxes = axis.boxplot(
        [table[name].dropna().to_numpy() for name in methods],
        positions=np.arange(len(methods)),
        widths=0.5,
        showfliers=False,
        patch_artist=True,
        medianprops={"color": "#1a1d23", "lw": 1.3},
        whiskerprops={"lw": 0.7, "color": style.GREY},
        capprops={"lw": 0.7, "color": style.GREY},
    )
    for name, box in zip(methods, boxes["boxes"], strict=True):
        colour = style.colours(methods)[name]
        box.set(facecolor=(*hexadecimal(colour), 0.14), edgecolor=colour, linewidth=0.8)


def hexadecimal(colour: str) -> tuple[float, float, float]:
    """Return red, green and blue from 0 to 1 of ``#rrggbb``."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def sideways(table: pd.DataFrame) -> np.ndarray:
    """Return a small horizontal shift per case and method that keeps equal values apart.

    Cases take evenly spaced places in an order that mixes neighbours, the same in every
    method, so that the lines of two cases cross only where their values do.
    """
    golden = 0.61803398875
    shares = (np.arange(len(table)) * golden) % 1.0 - 0.5
    return np.repeat(shares[:, None] * 0.3, table.shape[1], axis=1)
