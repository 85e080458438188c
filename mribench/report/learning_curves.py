"""Learning curves: every fold and seed as a thin line, their mean as a thick one."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mribench.report import style
from mribench.report.results import Results, read_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKED = 8
"""Places of a mean line that carry the method's marker."""
PANELS = {"train_loss": "training loss", "validation_dice": "validation Dice"}
Curves = dict[str, list[pd.DataFrame]]


def read_curves(results: Results) -> Curves:
    """Return the histories of all runs per method, without methods that have no epochs."""
    curves: Curves = {}
    for run in results.runs():
        history = read_history(run.folder / "history.csv")
        if len(history):
            curves.setdefault(run.method, []).append(history)
    return curves


def read_history(path: Path) -> pd.DataFrame:
    """Return a run's history with one row per epoch; no rows where nothing was trained."""
    history = read_frame(path)
    return history.set_index("epoch") if "epoch" in history else history.iloc[:0]


def plot_learning_curves(curves: Curves, methods: tuple[str, ...]) -> "Figure":
    """Draw one panel per quantity, all methods in their colours.

    Parameters
    ----------
    curves
        Histories per method, indexed by epoch.
    methods
        All methods of the study, so that colours agree with the other figures.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        len(PANELS), 1, figsize=(style.COLUMN_INCHES, 1.7 * len(PANELS)), sharex=True
    )
    for axis, (column, title) in zip(axes, PANELS.items(), strict=True):
        for name, histories in curves.items():
            draw_method(axis, [history[column] for history in histories], methods, name)
        axis.set_ylabel(title)
    axes[-1].set_xlabel("epoch")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3, handlelength=1.4
    )
    return figure


def draw_method(axis: "Axes", lines: list[pd.Series], methods: tuple[str, ...], name: str) -> None:
    """Draw the runs of one method and, as long as all of them still train, their mean."""
    colour = style.colours(methods)[name]
    for line in lines:
        points = line.dropna()
        axis.plot(points.index, points, color=colour, lw=0.5, alpha=0.45)
    mean = pd.concat(lines, axis=1).dropna().mean(axis=1)
    axis.plot(
        mean.index, mean, color=colour, lw=1.6, label=f"{name} ({len(lines)} runs)",
        marker=style.markers(methods)[name], markersize=3.5, markevery=max(1, len(mean) // MARKED),
    )  # fmt: skip
