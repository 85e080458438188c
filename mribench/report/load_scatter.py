"""The main metric against the lesion load: who finds the small and who the large."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mribench.metrics.conventions import Metric
from mribench.report import style
from mribench.report.measures import is_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_load_scatter(
    tables: dict[str, pd.DataFrame], loads: pd.Series, metric: Metric
) -> "Figure":
    """Draw `metric` against lesion load (ml, logarithmic), one panel per label.

    Cases without lesions have no place on a logarithmic axis; the caption counts them.

    Parameters
    ----------
    tables
        Per label, one value per case (rows) and method (columns).
    loads
        Lesion load in ml by case.
    metric
        The metric on the vertical axis.
    """
    import matplotlib.pyplot as plt

    height = 2.5 * len(tables)
    figure, axes = plt.subplots(
        len(tables), 1, figsize=(style.COLUMN_INCHES, height), squeeze=False
    )
    for axis, (label, table) in zip(axes[:, 0], tables.items(), strict=True):
        draw_scatter(axis, table, loads.reindex(table.index).to_numpy())
        axis.set_ylabel(metric.heading)
        axis.set_xlabel("lesion load of the reference (ml)")
        if len(tables) > 1:
            axis.set_title(label, loc="left")
        if is_share(metric):
            axis.set_ylim(-0.03, 1.03)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside upper left",
        ncols=2,
        handletextpad=0.3,
    )
    return figure


def draw_scatter(axis: "Axes", table: pd.DataFrame, loads: np.ndarray) -> None:
    """Draw the points and the trend of each method."""
    from matplotlib.ticker import LogLocator, NullFormatter

    methods = list(table.columns)
    for name in methods:
        values = table[name].to_numpy()
        shown = np.isfinite(values) & (loads > 0)
        colour = style.colours(methods)[name]
        axis.plot(
            loads[shown],
            values[shown],
            linestyle="none",
            marker=style.markers(methods)[name],
            markersize=3.4,
            markeredgewidth=0,
            alpha=0.8,
            color=colour,
            label=legend(name, loads[shown], values[shown]),
        )
        draw_trend(axis, loads[shown], values[shown], colour)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(lambda value, place: f"{value:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def draw_trend(axis: "Axes", loads: np.ndarray, values: np.ndarray, colour: str) -> None:
    """Draw the least-squares line of the values against the logarithm of the load."""
    if len(np.unique(loads)) < 3:
        return
    slope, start = np.polyfit(np.log10(loads), values, 1)
    ends = np.array([loads.min(), loads.max()])
    axis.plot(ends, start + slope * np.log10(ends), color=colour, lw=0.9, alpha=0.7)


def legend(name: str, loads: np.ndarray, values: np.ndarray) -> str:
    """Return the method's name with its rank correlation to the load, where there is one."""
    from scipy.stats import spearmanr

    if len(values) < 3 or np.ptp(values) == 0 or np.ptp(loads) == 0:
        return name
    return f"{name} (ρ = {spearmanr(loads, values).statistic:.2f})"
