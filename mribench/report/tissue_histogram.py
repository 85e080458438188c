"""Histograms of an image inside each tissue, as curves for a page."""

from typing import NamedTuple

import numpy as np

BINS = 64
WINDOW = (0.2, 99.8)
"""Percentiles of the brain's values between which the axis runs."""
WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 10, 350, 16, 124


class Curve(NamedTuple):
    """One tissue: its points as SVG writes them, and where its name stands."""

    tissue: str
    points: str
    label: tuple[float, float]
    median: float


class Histogram(NamedTuple):
    """The curves of one image, the ticks of its axis, and the picture in words."""

    name: str
    curves: list[Curve]
    ticks: list[tuple[float, str]]
    alt: str


def make_histogram(
    contrast: str, values: np.ndarray, labels: np.ndarray, tissues: dict[str, int]
) -> Histogram | None:
    """Return the histograms of the tissues, each as a share of the voxels of the brain.

    Parameters
    ----------
    contrast
        The image's contrast.
    values, labels
        Intensities and tissue labels on one grid (x, y, z).
    tissues
        The label of each tissue.

    Returns
    -------
    None where the image is empty inside the tissues.
    """
    brain = values[labels > 0]
    if not brain.size or brain.min() == brain.max():
        return None
    low, high = (float(value) for value in np.percentile(brain, WINDOW))
    edges = np.linspace(low, high, BINS + 1)
    counts = {
        name: np.histogram(values[labels == label], edges)[0] / brain.size
        for name, label in tissues.items()
        if (labels == label).any()
    }
    top = max(float(share.max()) for share in counts.values())
    curves = [
        draw_curve(name, share / top, float(np.median(values[labels == tissues[name]])))
        for name, share in counts.items()
    ]
    medians = ", ".join(f"{curve.tissue} {curve.median:.4g}" for curve in curves)
    alt = f"Histogram of the {contrast} by tissue; medians: {medians}"
    return Histogram(contrast, curves, ticks(low, high), alt)


def draw_curve(tissue: str, heights: np.ndarray, median: float) -> Curve:
    """Return a curve through `heights` (0 to 1) with its label above the peak."""
    across = np.linspace(LEFT, RIGHT, len(heights))
    down = BOTTOM - heights * (BOTTOM - TOP)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    peak = int(np.argmax(heights))
    label = (round(float(np.clip(across[peak], LEFT + 12, RIGHT - 12)), 1), round(down[peak], 1))
    return Curve(tissue, points, (label[0], float(label[1]) - 4), median)


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return place and text of about five round numbers between two values."""
    raw = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    values = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    places = LEFT + (values - low) / (high - low) * (RIGHT - LEFT)
    return [
        (round(float(place), 1), f"{value:.4g}")
        for place, value in zip(places, values, strict=True)
    ]
