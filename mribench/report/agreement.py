"""Bland-Altman plots: the volume that a method finds against the reference's."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mribench.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NORMAL_95 = 1.96
COLUMNS = 2


def limits_of_agreement(differences: np.ndarray) -> tuple[float, float, float]:
    """Return the mean difference and the limits of agreement (Bland and Altman 1986).

    The limits lie 1.96 standard deviations of the differences from their mean; NaN for a
    single case.
    """
    mean = float(np.mean(differences))
    if len(differences) < 2:
        return mean, float("nan"), float("nan")
    spread = NORMAL_95 * float(np.std(differences, ddof=1))
    return mean, mean - spread, mean + spread


def plot_agreement(volumes: pd.DataFrame, methods: tuple[str, ...], label: str) -> "Figure":
    """Draw one panel per method, all with the same axes.

    Parameters
    ----------
    volumes
        Rows with case, method, label, reference_ml and predicted_ml.
    methods
        The methods in their order.
    label
        The class to draw.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(methods) // COLUMNS)
    figure, axes = plt.subplots(
        rows, COLUMNS, figsize=(style.COLUMN_INCHES, 1.55 * rows + 0.2),
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    chosen = volumes[volumes.label == label]
    for axis, name in zip(axes.ravel(), methods, strict=False):
        draw_agreement(axis, chosen[chosen.method == name], methods, name)
    for axis in axes.ravel()[len(methods) :]:
        axis.set_visible(False)
    for axis in axes.ravel()[max(len(methods) - COLUMNS, 0) : len(methods)]:
        axis.tick_params(labelbottom=True)
    figure.supxlabel("mean of both volumes (ml)", fontsize=7)
    figure.supylabel("predicted − reference (ml)", fontsize=7)
    return figure


def draw_agreement(axis: "Axes", rows: pd.DataFrame, methods: tuple[str, ...], name: str) -> None:
    """Draw the points of one method, their mean difference and the limits of agreement."""
    differences = (rows.predicted_ml - rows.reference_ml).to_numpy(float)
    colour = style.colours(methods)[name]
    axis.plot(
        (rows.predicted_ml + rows.reference_ml) / 2, differences, linestyle="none",
        marker=style.markers(methods)[name], markersize=3, markeredgewidth=0, alpha=0.8,
        color=colour,
    )  # fmt: skip
    axis.axhline(0, color=style.GREY, lw=0.6)
    mean, low, high = limits_of_agreement(differences)
    axis.axhline(mean, color=colour, lw=1.1)
    for limit in (low, high):
        axis.axhline(limit, color=colour, lw=0.8, linestyle="--")
    axis.set_title(f"{name}\n{interval_text(mean, low, high)}", loc="left", fontsize=6.5)


def interval_text(mean: float, low: float, high: float) -> str:
    """Return the bias and the limits of agreement in words."""
    bias = f"bias {mean:+.1f}"
    text = bias if np.isnan(low) else f"{bias} ({low:+.1f} to {high:+.1f})"
    return text.replace("-", "−")
