"""Draw the figures of a study, from distributions to heat maps and overlays.

Each figure is a PNG (200 dpi) and an SVG file; manifest.json holds their captions, and
cases/ the slices of every case.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mribench import command, provenance
from mribench.report.settings import Atlas, FigureSettings

if TYPE_CHECKING:
    from mribench.report.heat_maps import Template


def main(arguments: argparse.Namespace) -> None:
    """Write the folder of figures."""
    from mribench.dataset.folders import dataset_root
    from mribench.metrics.conventions import load_preset
    from mribench.report.case_images import Classes
    from mribench.report.figures import plot_all
    from mribench.report.results import Results

    settings = FigureSettings.model_validate(provenance.read_spec(arguments.spec))
    label, preset = settings.dataset.label, load_preset(settings.preset)
    plot_all(
        Results(arguments.metrics.parent, settings.methods),
        arguments.bids or dataset_root(settings.dataset, arguments.metrics.parent),
        Classes(tuple(label.values.values()), (*label.ignore, *preset.ignore)),
        preset.metrics,
        arguments.output,
        load_template(settings.atlas, arguments.metrics.parent) if settings.atlas else None,
        settings.covariant,
    )


def load_template(atlas: Atlas, study: Path) -> "Template":
    """Return the template at 2 mm and the way there, through one interpolation."""
    from mribench.dataset.geometry import Grid
    from mribench.preprocessing.grids import onto_variant
    from mribench.preprocessing.template import load_template as load
    from mribench.preprocessing.warp import resample
    from mribench.report.heat_maps import Template
    from mribench.report.results import read_frame

    brain = load(2)[0]
    contrasts = read_frame(study / "dataset/scans.tsv").groupby("case")["labels_contrast"].first()

    def bring(case: str, array: np.ndarray, grid: Grid) -> np.ndarray:
        links = onto_variant(contrasts[case], atlas.reference, atlas.anatomy, "template")
        chain = [study / atlas.file(case, *link) for link in links]
        return resample(array, grid, Grid.of(brain), chain, "nearest")

    return Template(np.asanyarray(brain.dataobj), Grid.of(brain).spacing, bring)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument(
        "--metrics", type=Path, required=True, help="metrics.csv; the rest is read beside it"
    )
    made.add_argument("--bids", type=Path, help="BIDS data set (default: as the spec says)")
    made.add_argument("--output", type=Path, required=True, help="folder for the figures")
    command.run(main, made)
