"""How many lesions of each size a method finds."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from mribench.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EDGES_MM3 = (0.0, 10.0, 30.0, 100.0, 300.0, 1000.0, float("inf"))
NORMAL_95 = 1.959964
WIDTH = 0.5
"""Share of a bin's width that the methods are spread over."""


class Rate(NamedTuple):
    """Lesions found of a bin, with the 95 % interval."""

    found: int
    total: int
    share: float
    low: float
    high: float


def wilson(found: int, total: int) -> Rate:
    """Return a share with its score interval (Wilson 1927)."""
    share = found / total
    square = NORMAL_95**2
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = np.sqrt(share * (1 - share) / total + square / (4 * total**2)) * NORMAL_95
    half /= 1 + square / total
    return Rate(found, total, share, float(centre - half), float(centre + half))


def detection_rates(lesions: pd.DataFrame) -> pd.DataFrame:
    """Return per method and bin how many lesions were found.

    Parameters
    ----------
    lesions
        Rows with method, mm3 and found.

    Returns
    -------
    Columns method, bin (place in :data:`EDGES_MM3`), found, total, share, low, high; bins
    without lesions are left out.
    """
    bins = np.digitize(lesions.mm3, EDGES_MM3[1:-1])
    rows = [
        {"method": method, "bin": place, **wilson(int(part.found.sum()), len(part))._asdict()}
        for (method, place), part in lesions.groupby(["method", bins], sort=True)
    ]
    return pd.DataFrame(rows, columns=["method", "bin", *Rate._fields])


def bin_name(place: int) -> str:
    """Return the sizes of a bin in words."""
    low, high = EDGES_MM3[place], EDGES_MM3[place + 1]
    if np.isinf(high):
        return f"≥ {low:g}"
    return f"< {high:g}" if low == 0 else f"{low:g}–{high:g}"


def plot_detection(tables: dict[str, pd.DataFrame], methods: tuple[str, ...]) -> "Figure":
    """Draw the share of lesions found by size, one panel per label.

    Parameters
    ----------
    tables
        Lesions of each label, as :func:`detection_rates` reads them.
    methods
        The methods in their order.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        len(tables), 1, figsize=(style.COLUMN_INCHES, 2.5 * len(tables)), squeeze=False
    )
    for axis, (label, lesions) in zip(axes[:, 0], tables.items(), strict=True):
        draw_rates(axis, detection_rates(lesions), methods)
        if len(tables) > 1:
            axis.set_title(label, loc="left")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3,
        handletextpad=0.3,
    )  # fmt: skip
    return figure


def draw_rates(axis: "Axes", rates: pd.DataFrame, methods: tuple[str, ...]) -> None:
    """Draw points with intervals, the methods side by side within each bin."""
    shown = sorted(rates["bin"].unique())
    places = {place: number for number, place in enumerate(shown)}
    shifts = np.linspace(-WIDTH / 2, WIDTH / 2, len(methods)) if len(methods) > 1 else [0.0]
    for shift, name in zip(shifts, methods, strict=True):
        rows = rates[rates.method == name]
        # Rounding may push an interval past the share it belongs to.
        reach = np.clip([rows.share - rows.low, rows.high - rows.share], 0, None)
        axis.errorbar(
            rows["bin"].map(places) + shift, rows.share, yerr=reach, label=name,
            fmt=style.markers(methods)[name], color=style.colours(methods)[name],
            markersize=3.4, markeredgewidth=0, elinewidth=0.8,
        )  # fmt: skip
    counts = rates.groupby("bin")["total"].max()
    axis.set_xticks(range(len(shown)), [f"{bin_name(p)}\nn = {counts[p]}" for p in shown])
    axis.set_ylim(-0.03, 1.03)
    axis.set_ylabel("share of lesions found")
    axis.set_xlabel("size of the reference lesion (mm³)")
    axis.grid(visible=False, axis="x")
