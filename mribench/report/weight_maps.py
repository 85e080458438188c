"""What SCP has learned about the place: maps of its weights (Zhang et al., IJCAI 2023, Fig. 7).

The weights W = Φ(S) of equation 12 depend on the place alone, so they are drawn without any
image: Φ is three 1x1 convolutions, read from a run's weights, at places of a slice as shares of
its extent.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mribench.report import slices, style
from mribench.report.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATISTICS = ("maximum", "mean", "minimum", "L2 norm", "standard deviation")
PLACES = 96
LAYERS = ("head.phi.0", "head.phi.2", "head.phi.4")
Maps = dict[str, np.ndarray]


def read_weight_maps(results: Results, methods: tuple[str, ...]) -> dict[str, Maps]:
    """Return the maps of the first run of each method that has an SCP head.

    Parameters
    ----------
    results
        The finished study.
    methods
        Those of its methods that are SCP, on slices or on blocks.
    """
    first = {run.method: run for run in reversed(results.runs())}
    return {name: weight_maps(first[name].folder / "model.safetensors") for name in methods}


def weight_maps(model: Path) -> Maps:
    """Return each statistic over the features of W (PLACES, PLACES), scaled from 0 to 1.

    Of several classes the first one is taken; a network on blocks is asked at half height.
    A map that is the same everywhere is 0.
    """
    from safetensors.numpy import load_file

    weights = load_file(model)
    axes = weights["head.phi.0.weight"].shape[1] // 2
    classes = weights["head.residual.weight"].shape[0]
    values = position_codes(axes)
    for layer in LAYERS:
        matrix = weights[f"{layer}.weight"]
        values = matrix.reshape(len(matrix), -1) @ values + weights[f"{layer}.bias"][:, None]
        values = values if layer == LAYERS[-1] else np.maximum(values, 0)
    chosen = values.reshape(classes, -1, PLACES, PLACES)[0]
    norm = np.sqrt((chosen**2).sum(axis=0))
    found = (chosen.max(0), chosen.mean(0), chosen.min(0), norm, chosen.std(0))
    return {name: scaled(map_) for name, map_ in zip(STATISTICS, found, strict=True)}


def position_codes(axes: int) -> np.ndarray:
    """Return the distances of equation 5 as shares (2 * axes, PLACES²); other axes at half."""
    share = np.arange(PLACES) / PLACES
    x, y = (part.ravel() for part in np.meshgrid(share, share, indexing="ij"))
    place = np.stack([x, y, *[np.full_like(x, 0.5)] * (axes - 2)])
    return np.concatenate([place, 1 - place])


def scaled(map_: np.ndarray) -> np.ndarray:
    """Return a map from 0 to 1, as the paper draws it."""
    width = float(np.ptp(map_))
    return (map_ - map_.min()) / width if width else np.zeros_like(map_)


def plot_weight_maps(maps: dict[str, Maps]) -> "Figure":
    """Draw one row per method and one column per statistic."""
    import matplotlib.pyplot as plt

    size = (style.PAGE_INCHES, 1.45 * len(maps) + 0.5)
    figure, axes = plt.subplots(len(maps), len(STATISTICS), figsize=size, squeeze=False)
    for row, (name, statistics) in zip(axes, maps.items(), strict=True):
        for axis, map_ in zip(row, statistics.values(), strict=True):
            shown = axis.imshow(slices.view(map_[..., None], 2, 0), cmap="viridis", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.grid(visible=False)
        row[0].set_ylabel(name)
    for axis, title in zip(axes[0], STATISTICS, strict=True):
        axis.set_title(title)
    bar = figure.colorbar(shown, ax=axes, shrink=0.8, aspect=30, pad=0.01)
    bar.set_label("share of each map's range")
    bar.outline.set_visible(False)
    return figure
