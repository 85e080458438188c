"""How firmly the methods hold their ranks when other subjects are drawn."""

from typing import TYPE_CHECKING

import pandas as pd

from mribench.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST = 150.0
"""Area in square points of the dot that stands for all draws."""
SCHEMES = {
    "aggregate_then_rank": "mean, then rank",
    "rank_then_aggregate": "rank per case, then mean",
    "test_then_rank": "significant wins, then rank",
}


def plot_rank_stability(
    draws: pd.DataFrame, order: list[str], methods: tuple[str, ...]
) -> "Figure":
    """Draw how often each method takes each rank, one panel per way of ranking.

    Parameters
    ----------
    draws
        Rows with scheme, method, rank and share (of the bootstrap draws, 0 to 1), of one
        metric and label.
    order
        The methods from first to last.
    methods
        All methods in the order of the configuration, for the colours.
    """
    import matplotlib.pyplot as plt

    schemes = list(draws.scheme.unique())
    height = (0.24 * len(order) + 0.35) * len(schemes) + 0.35
    figure, axes = plt.subplots(
        len(schemes), 1, figsize=(style.COLUMN_INCHES, height), squeeze=False, sharex=True
    )
    for axis, scheme in zip(axes[:, 0], schemes, strict=True):
        draw_shares(axis, draws[draws.scheme == scheme], order, methods)
        axis.set_title(SCHEMES.get(scheme, scheme), loc="left")
    axes[-1, 0].set_xlabel("rank")
    return figure


def draw_shares(
    axis: "Axes", draws: pd.DataFrame, order: list[str], methods: tuple[str, ...]
) -> None:
    """Draw dots whose area is the share of the draws, with the share of large ones in them."""
    colours = style.colours(methods)
    for row in draws.itertuples(index=False):
        place = order.index(str(row.method))
        share = float(str(row.share))
        axis.scatter(
            float(str(row.rank)), place, s=LARGEST * share, color=colours[str(row.method)],
            alpha=0.8, linewidths=0,
        )  # fmt: skip
        if share >= 0.01:
            axis.annotate(
                f"{100 * share:.0f} %", (float(str(row.rank)), place), (9, 0),
                textcoords="offset points", va="center", fontsize=5.5, color=style.GREY,
            )  # fmt: skip
    axis.set_yticks(range(len(order)), order)
    axis.set_ylim(len(order) - 0.4, -0.6)
    axis.set_xticks(range(1, len(order) + 1))
    axis.set_xlim(0.6, len(order) + 0.5)
