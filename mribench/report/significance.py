"""Significance maps: which method differs from which, and how surely."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from mribench.metrics.conventions import Metric
from mribench.report import style
from mribench.report.measures import direction
from mribench.report.results import records

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BETTER, WORSE, ALIKE, OPEN = "#0072B2", "#D55E00", "#e4e6ea", "#ffffff"
MEANINGS = {
    "row is better": BETTER,
    "row is worse": WORSE,
    "not significant": ALIKE,
    "not testable": OPEN,
}
MOST_WITH_TEXT = 8


class Verdict(NamedTuple):
    """What a comparison says of the row's method against the column's."""

    colour: str
    p: float


def verdicts(
    comparisons: pd.DataFrame, metric: Metric, label: str
) -> dict[tuple[str, str], Verdict]:
    """Return the verdict of every ordered pair of methods by one metric and label."""
    found = {}
    chosen = comparisons[(comparisons.metric == metric.name) & (comparisons.label == label)]
    for row in records(chosen):
        sign = direction(metric) * row["mean_difference"]
        first, second = row["first"], row["second"]
        found[first, second] = Verdict(colour_of(row, sign), row["p_adjusted"])
        found[second, first] = Verdict(colour_of(row, -sign), row["p_adjusted"])
    return found


def colour_of(row: dict[str, Any], lead: float) -> str:
    """Return the colour of a pair whose row's method leads by `lead`."""
    if pd.isna(row["p_adjusted"]):
        return OPEN
    if row["significant"] != "true":
        return ALIKE
    return BETTER if lead > 0 else WORSE


def plot_significance(
    found: dict[str, dict[tuple[str, str], Verdict]], orders: dict[str, list[str]]
) -> "Figure":
    """Draw one map per label, the methods from first to last rank.

    Parameters
    ----------
    found
        Per label, what :func:`verdicts` returns.
    orders
        Per label, the methods from first to last.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    count = max(len(order) for order in orders.values())
    height = (0.32 * count + 0.9) * len(found)
    figure, axes = plt.subplots(len(found), 1, figsize=(style.COLUMN_INCHES, height), squeeze=False)
    for axis, (label, pairs) in zip(axes[:, 0], found.items(), strict=True):
        draw_map(axis, pairs, orders[label])
        if len(found) > 1:
            axis.set_title(label, loc="left")
    keys = [
        Patch(facecolor=colour, edgecolor=style.GREY, linewidth=0.4, label=meaning)
        for meaning, colour in MEANINGS.items()
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=2, handlelength=1.2)
    return figure


def draw_map(axis: "Axes", pairs: dict[tuple[str, str], Verdict], order: list[str]) -> None:
    """Draw the squares of one label, with the adjusted p where there is room."""
    from matplotlib.patches import Rectangle

    for (first, second), verdict in pairs.items():
        row, column = order.index(first), order.index(second)
        axis.add_patch(
            Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=verdict.colour, edgecolor="white")
        )
        if len(order) <= MOST_WITH_TEXT:
            dark = verdict.colour in (BETTER, WORSE)
            axis.text(
                column, row, p_text(verdict.p), ha="center", va="center", fontsize=6,
                color="white" if dark else "#1a1d23",
            )  # fmt: skip
    places = np.arange(len(order))
    axis.set_xlim(-0.5, len(order) - 0.5)
    axis.set_ylim(len(order) - 0.5, -0.5)
    turn, side = (35, "right") if len(order) > 4 else (0, "center")
    axis.set_xticks(places, order, rotation=turn, ha=side)
    axis.set_yticks(places, order)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)


def p_text(p: float) -> str:
    """Return an adjusted p value that fits into a square."""
    if np.isnan(p):
        return "n/t"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
