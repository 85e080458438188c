"""The look of all figures, and writing them so that equal figures are equal files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mribench.files import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN_INCHES = 3.46
"""Width of one text column (88 mm)."""
PAGE_INCHES = 7.09
"""Width of a page (180 mm)."""
RESOLUTION = 200

# Okabe and Ito (2008): told apart with any common colour vision deficiency.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#5f6672"

SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e4e6ea",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "mribench",
    "savefig.facecolor": "white",
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw without a display and in the look of the study, inside the block."""
    import matplotlib

    matplotlib.use("Agg")
    with matplotlib.rc_context(cast(Any, SETTINGS)):
        yield


def colours(methods: Sequence[str]) -> dict[str, str]:
    """Return one colour per method; they repeat after seven."""
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(methods)}


def markers(methods: Sequence[str]) -> dict[str, str]:
    """Return one marker per method, shifted when the colours repeat."""
    count = len(MARKERS)
    return {name: MARKERS[(place + place // count) % count] for place, name in enumerate(methods)}


def save_figure(figure: "Figure", folder: Path, name: str) -> None:
    """Write ``<name>.png`` (200 dpi) and ``<name>.svg`` without dates, and close the figure."""
    import matplotlib.pyplot as plt

    metadata: dict[str, dict[str, str | None]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
    }
    for suffix, entries in metadata.items():
        with atomic(folder / f"{name}.{suffix}") as temporary:
            figure.savefig(temporary, dpi=RESOLUTION, metadata=entries)
    plt.close(figure)
