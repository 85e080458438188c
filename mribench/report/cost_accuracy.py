"""What accuracy costs: the main metric against parameters, operations and seconds."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mribench.metrics.conventions import Metric
from mribench.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COSTS = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds per patch",
    "training_seconds": "training (s)",
    "prediction_seconds_per_case": "prediction (s per case)",
}
COLUMNS = 2
ROOM = 3.5
"""Beside the first and last method; enough that a power of ten lies on every axis."""


def shown_costs(costs: pd.DataFrame) -> list[str]:
    """Return the costs that a logarithmic axis can show for two methods or more."""
    means = costs.groupby("method").mean(numeric_only=True)
    return [name for name in COSTS if name in means and (means[name] > 0).sum() > 1]


def plot_cost_accuracy(
    costs: pd.DataFrame, ranking: pd.DataFrame, metric: Metric, methods: tuple[str, ...]
) -> "Figure":
    """Draw one panel per cost: mean of the metric with its interval against the mean cost.

    Parameters
    ----------
    costs
        One row per run.
    ranking
        Rows with method, mean, ci_low and ci_high, of one metric and label.
    metric
        The metric.
    methods
        The methods in their order.
    """
    import matplotlib.pyplot as plt

    names = shown_costs(costs)
    rows = -(-len(names) // COLUMNS)
    figure, axes = plt.subplots(
        rows, COLUMNS, figsize=(style.COLUMN_INCHES, 1.6 * rows + 0.4), sharey=True, squeeze=False
    )
    means = costs.groupby("method").mean(numeric_only=True)
    for axis, name in zip(axes.ravel(), names, strict=False):
        draw_costs(axis, means[name], ranking.set_index("method"), methods)
        axis.set_xlabel(COSTS[name])
    for axis in axes.ravel()[len(names) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel(metric.heading)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3,
        handletextpad=0.3,
    )  # fmt: skip
    return figure


def draw_costs(
    axis: "Axes", costs: pd.Series, ranking: pd.DataFrame, methods: tuple[str, ...]
) -> None:
    """Draw the methods; one without this cost has no place on a logarithmic axis."""
    for name in methods:
        if name not in costs.index or name not in ranking.index:
            continue
        row = ranking.loc[name]
        shown = costs[name] > 0 and pd.notna(row["mean"])
        reach = [[row["mean"] - row["ci_low"]], [row["ci_high"] - row["mean"]]]
        axis.errorbar(
            [costs[name]] if shown else [], [row["mean"]] if shown else [],
            yerr=reach if shown and pd.notna(row["ci_low"]) else None, label=name,
            fmt=style.markers(methods)[name], color=style.colours(methods)[name],
            markersize=4, markeredgewidth=0, elinewidth=0.8,
        )  # fmt: skip
    shown = costs[costs > 0]
    scale_costs(axis, shown.min(), shown.max())


def scale_costs(axis: "Axes", lowest: float, highest: float) -> None:
    """Make the axis logarithmic, with two labels at least."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.set_xlim(lowest / ROOM, highest * ROOM)
    axis.xaxis.set_minor_formatter(NullFormatter())
    if highest < 10 * lowest:
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        everywhere = (np.inf, np.inf)
        axis.xaxis.set_major_formatter(LogFormatterSciNotation(minor_thresholds=everywhere))
