"""Tissue segmentations over noise and bias: Dice, volume error, table and plot.

Bias fields and noise are laid over T1-weighted phantoms without either, made by::

    python -m scripts.simulate_phantoms --output clean --spec '{"contrasts": ["T1w"],
      "phantoms": {"subjects": 2, "seed": 5, "lesion_ml": [0.1, 0.2], "sites":
      {"clean": {"spacing": [2, 2, 2], "noise": 0, "bias": 0}}}}'

Noise is in per cent of white matter. Bias is in per cent as BrainWeb counts it: 40 % is a
field from 0.8 to 1.2 over the field of view. Every tool is given the true brain mask and
the image as it is, without N4. ``python benchmarks/tissue_grid.py clean`` prints the
table; cells that stand in ``--table`` already are not measured again: to measure one tool
anew, take its rows out and name it in ``--tools``. dipy takes part where it is installed.
"""

import argparse
import csv
import importlib.util
from itertools import product
from pathlib import Path

import numpy as np
from tissues import PACKAGES, make_tool

from mribench.config import Tissues
from mribench.dataset.geometry import Grid
from mribench.dataset.phantoms.scanner import add_noise, draw_bias
from mribench.files import make_image, read_image
from mribench.preprocessing.backends.segment_tissues_hmrf import segment_tissues

TISSUES = ("GM", "WM", "CSF")
TOOLS = ("hmrf", "Atropos", "dipy")
OWN = ("hmrf", "hmrf without bias field")
# Labels of GM, WM and CSF where a tool counts from dark to bright.
FROM_DARK = (2, 3, 1)
COLUMNS = ("tool", "subject", "noise", "bias", "tissue", "dice", "volume_error")
COLOURS = {"hmrf": "#0072b2", "Atropos": "#d55e00", "dipy": "#009e73"}


def degrade(array: np.ndarray, grid: Grid, brain: np.ndarray, noise: int, bias: int) -> np.ndarray:
    """Return the image (x, y, z) with a field and noise in per cent; drawn the same every time."""
    generator = np.random.default_rng(1000 * noise + bias)
    unit = np.percentile(array[brain], 90)
    field = draw_bias(generator, grid, bias / 200)
    return add_noise(generator, (array / unit * field).astype(np.float32), noise / 100)


def run_tool(
    tool: str, image: np.ndarray, brain: np.ndarray, grid: Grid, threads: int
) -> np.ndarray:
    """Return labels (x, y, z): 1 grey, 2 white, 3 fluid."""
    if tool in OWN:
        given = make_image(image, grid.affine)
        shares = segment_tissues(given, brain, "T1w", Tissues(bias_loop=tool == "hmrf"), threads)
        return np.where(brain, 1 + shares.argmax(axis=0), 0)
    found = make_tool(tool, np.array(grid.spacing), threads)(image * brain, brain)
    labels = np.zeros(found.shape, np.uint8)
    for label, own in enumerate(FROM_DARK, start=1):
        labels[(found == own) & brain] = label
    return labels


def measure(
    subject: str, cell: tuple[str, int, int], root: Path, threads: int
) -> list[dict[str, object]]:
    """Return Dice and volume error in per cent of each tissue in one cell of the grid."""
    tool, noise, bias = cell
    image = read_image(root / subject / "anat" / f"{subject}_T1w.nii.gz")
    truth = root / "derivatives/truth" / subject / "anat"
    true = np.asanyarray(read_image(truth / f"{subject}_space-T1w_dseg.nii.gz").dataobj)
    brain, grid = true > 0, Grid.of(image)
    degraded = degrade(np.asarray(image.dataobj, np.float32), grid, brain, noise, bias)
    found = run_tool(tool, degraded, brain, grid, threads)
    rows = []
    for label, tissue in enumerate(TISSUES, start=1):
        first, second = found == label, true == label
        dice = 2 * (first & second).sum() / (first.sum() + second.sum())
        error = 100 * (first.sum() / second.sum() - 1)
        values = (tool, subject, noise, bias, tissue, f"{dice:.4f}", f"{error:.2f}")
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def fill_table(arguments: argparse.Namespace) -> list[dict[str, str]]:
    """Measure what the table lacks, cell by cell, and return all of it."""
    path = arguments.table
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    done = {tuple(row[key] for key in COLUMNS[:4]) for row in read_rows(path)}
    subjects = sorted(folder.name for folder in arguments.phantoms.glob("sub-*"))
    tools = [tool for tool in arguments.tools if is_installed(tool)]
    cells = product(subjects[: arguments.subjects], arguments.bias, arguments.noise, tools)
    for subject, bias, noise, tool in cells:
        if (tool, subject, str(noise), str(bias)) in done:
            continue
        rows = measure(subject, (tool, noise, bias), arguments.phantoms, arguments.threads)
        with path.open("a", newline="") as stream:
            csv.DictWriter(stream, COLUMNS).writerows(rows)
    return read_rows(path)


def is_installed(tool: str) -> bool:
    """Tell whether the package of a tool is there; hmrf is our own."""
    package = PACKAGES.get(tool)
    return package is None or importlib.util.find_spec(package) is not None


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of the table as text."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def mean_of(rows: list[dict[str, str]], column: str, **where: object) -> float:
    """Return the mean of a column over the rows that match."""
    kept = [r for r in rows if all(r[key] == str(value) for key, value in where.items())]
    return float(np.mean([float(row[column]) for row in kept])) if kept else np.nan


def print_table(rows: list[dict[str, str]]) -> None:
    """Print one row per cell and tool: Dice, then volume error, of GM / WM / CSF."""
    print(
        "| bias, % | noise, % | tool | Dice GM / WM / CSF | volume error, % |\n"
        "|---|---|---|---|---|"
    )
    cells = {(int(row["bias"]), int(row["noise"])) for row in rows}
    tools = dict.fromkeys(row["tool"] for row in rows)
    for (bias, noise), tool in product(sorted(cells), tools):
        where = {"tool": tool, "bias": bias, "noise": noise}
        dice = [mean_of(rows, "dice", tissue=tissue, **where) for tissue in TISSUES]
        error = [mean_of(rows, "volume_error", tissue=tissue, **where) for tissue in TISSUES]
        first = " / ".join(f"{value:.3f}" for value in dice)
        second = " / ".join(f"{value:+.1f}" for value in error)
        print(f"| {bias} | {noise} | {tool} | {first} | {second} |")


def plot(rows: list[dict[str, str]], path: Path) -> None:
    """Plot Dice and volume error against noise: a column per tissue, a line style per bias."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    biases = sorted({int(row["bias"]) for row in rows})
    noises = sorted({int(row["noise"]) for row in rows})
    figure, axes = pyplot.subplots(2, 3, figsize=(9, 5), sharex=True, sharey="row")
    columns = (("dice", "Dice"), ("volume_error", "volume error, %"))
    for (line, (column, name)), (place, tissue) in product(enumerate(columns), enumerate(TISSUES)):
        panel = axes[line, place]
        for tool, (bias, style) in product(TOOLS, zip(biases, ("-", "--", ":"), strict=False)):
            where = {"tool": tool, "bias": bias, "tissue": tissue}
            values = [mean_of(rows, column, noise=noise, **where) for noise in noises]
            label = f"{tool}, bias {bias} %"
            panel.plot(noises, values, style, color=COLOURS[tool], lw=1.4, label=label)
        panel.set_title(tissue if line == 0 else "")
        panel.grid(alpha=0.3)
        panel.set_xlabel("noise, %" if line else "")
        if place == 0:
            panel.set_ylabel(name)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncol=3, fontsize=8)
    figure.tight_layout(rect=(0, 0.13, 1, 1))
    figure.savefig(path, dpi=90)


def main() -> None:
    """Measure, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("phantoms", type=Path, help="data set without noise and bias")
    parser.add_argument("--subjects", type=int, default=2)
    parser.add_argument("--noise", type=int, nargs="+", default=[1, 3, 5, 7, 9])
    parser.add_argument("--bias", type=int, nargs="+", default=[0, 20, 40])
    parser.add_argument("--tools", nargs="+", choices=(*TOOLS, OWN[1]), default=TOOLS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--table", type=Path, default=Path("tissue_grid.csv"))
    parser.add_argument("--plot", type=Path, help="picture to write")
    arguments = parser.parse_args()
    rows = fill_table(arguments)
    print_table(rows)
    if arguments.plot:
        plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
