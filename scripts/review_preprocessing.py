"""Show and measure what the preprocessing did to one case.

Writes a page that carries its pictures of mask, tissues, bias fields and registrations (at most
60 kB each), the case's numbers as JSON, a small picture for the study's overview, and beside the
images of the variant the volumes of tissues, brain and reference label (``<case>_volumes.tsv``).
"""

import argparse
from pathlib import Path
from typing import Any

from mribench import command, failures, provenance
from mribench.dataset.geometry import Grid
from mribench.preprocessing.tissue_order import TISSUES
from mribench.report.settings import ReviewSettings

PER_CONTRAST = {
    "conformed": "images before bias correction, one per contrast of the spec",
    "corrected": "images after bias correction",
    "field": "bias fields",
    "resampled": "images with skull on the grid of the variant",
}
OUTPUTS = {
    "page": "page to write",
    "record": "JSON file to write: volumes, bias fields, quality of the registrations",
    "thumbnail": "small picture (PNG) to write",
}


def main(arguments: argparse.Namespace) -> None:
    """Write page, numbers and thumbnail of one case."""
    from mribench.report.review import ReviewFiles, ReviewOutputs, review_case

    settings = ReviewSettings.model_validate(provenance.read_spec(arguments.spec))
    measure_volumes(arguments, settings)
    given = {name: getattr(arguments, name) for name in PER_CONTRAST}
    listed = {name: dict(zip(settings.contrasts, given[name], strict=True)) for name in given}
    single = {name: getattr(arguments, name) for name in ("labels", "mask", "tissues", "volumes")}
    files = ReviewFiles(**listed, **single)
    outputs = ReviewOutputs(**{name: getattr(arguments, name) for name in OUTPUTS})
    moved = [contrast for contrast in settings.contrasts if contrast != settings.reference]
    pairs = {
        contrast: register_contrast(files, contrast, settings.reference, path)
        for contrast, path in zip(moved, arguments.transforms, strict=True)
    }
    if arguments.template_transform is not None:
        pairs["template"] = register_brain(files, settings.anatomy, arguments.template_transform)
    review_case(arguments.case.replace("/", "_"), settings, files, pairs, outputs)


def measure_volumes(arguments: argparse.Namespace, settings: ReviewSettings) -> None:
    """Write the table of the case's volumes."""
    from mribench.preprocessing.volumes import VolumeSettings, measure_case

    measured = VolumeSettings(anatomy=settings.anatomy, label=settings.label)
    labels, mask = arguments.tissues, arguments.mask
    ends = [f"_label-{tissue}_probseg" for tissue in TISSUES]
    maps = [labels.with_name(labels.name.replace("_dseg", end)) for end in ends]
    measure_case(mask, maps, arguments.reference_label, arguments.volumes, measured)


def with_volumes(arguments: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments and where the table goes, which no argument names."""
    from mribench.preprocessing.volumes import case_table

    name = arguments.case.replace("/", "_")
    folder = arguments.record.parents[1 + len(name.split("_"))]
    arguments.volumes = case_table(folder, name)
    return arguments


def register_contrast(files: Any, contrast: str, reference: str, transform: Path) -> Any:
    """Return how a contrast was registered to the reference contrast."""
    from mribench.files import read_image

    images = (read_image(files.corrected[name]) for name in (contrast, reference))
    return compare(contrast, reference, *images, transform)


def register_brain(files: Any, anatomy: str, transform: Path) -> Any:
    """Return how the stripped anatomy was registered to the template."""
    import numpy as np

    from mribench.files import make_image, read_image
    from mribench.report.review import coarse_template

    head, template = read_image(files.corrected[anatomy]), coarse_template()
    mask = np.asanyarray(read_image(files.mask).dataobj) > 0
    brain = make_image(np.asanyarray(head.dataobj) * mask, head.affine)
    brains = np.asanyarray(template.dataobj) > 0, mask
    return compare(f"{anatomy} brain", "MNI152 template", brain, template, transform, brains)


def compare(
    moving_name: str, fixed_name: str, moving: Any, fixed: Any, transform: Path, brains: Any = None
) -> Any:
    """Return both images on the grid of `fixed`, and the quality of the registration."""
    import numpy as np

    from mribench.preprocessing.registration_quality import judge
    from mribench.preprocessing.warp import resample
    from mribench.report.review_pictures import Registration

    quality = judge(fixed, moving, [transform], brains)
    record = {"from": moving_name, "to": fixed_name, **quality._asdict(), "flaws": quality.flaws()}
    array, grid = np.asanyarray(moving.dataobj), Grid.of(fixed)
    before, after = (resample(array, Grid.of(moving), grid, steps) for steps in ([], [transform]))
    seen = np.asanyarray(fixed.dataobj), before, after
    return Registration(moving_name, fixed_name, *seen, grid.spacing, record)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--case", required=True, help="name or folder of the case")
    for name, text in PER_CONTRAST.items():
        made.add_argument(f"--{name}", type=Path, nargs="+", required=True, help=text)
    made.add_argument("--labels", type=Path, required=True, help="tissues on the variant's grid")
    made.add_argument("--mask", type=Path, required=True, help="brain mask of the anatomy")
    made.add_argument(
        "--tissues", type=Path, required=True, help="its tissue labels; beside them their maps"
    )
    made.add_argument("--reference-label", type=Path, nargs="?", help="as it came, if there is one")
    made.add_argument(
        "--transforms", type=Path, nargs="*", default=[], help="other contrasts to the reference"
    )
    made.add_argument("--template-transform", type=Path, nargs="?", help="anatomy to template")
    for name, text in OUTPUTS.items():
        made.add_argument(f"--{name}", type=Path, required=True, help=text)
    run = failures.tolerant(main, "review_preprocessing", (*OUTPUTS, "volumes"))
    command.run(lambda arguments: run(with_volumes(arguments)), made)
