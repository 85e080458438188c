"""Bring a case onto the grid of a variant, and normalise its intensities inside the brain.

There is one interpolation per image. Writes images with skull, brain mask, tissue labels, the
training label (255: ignore) and the normalised images, which are 0 outside the brain, with JSON
sidecars. The spec holds contrasts, reference, anatomy, template, grid, label, label_contrast and
intensity. Transforms are recognised by from- and to- in their names.
"""

import argparse
from pathlib import Path

from mribench import command, failures, provenance
from mribench.config import read_intensity
from mribench.preprocessing import resample_images as stage
from mribench.preprocessing.normalise_intensity import normalise_case

OUTPUTS = ("outputs", "output_mask", "output_tissues", "output_label", "normalised")


def main(arguments: argparse.Namespace) -> None:
    """Write everything on the variant's grid."""
    chosen = provenance.read_spec(arguments.spec)
    intensity = read_intensity(chosen.pop("intensity", None))
    settings = stage.ResampleSettings.model_validate(chosen)
    case = stage.Case(settings, arguments.images, arguments.transforms, arguments.mask)
    stage.resample_contrasts(case, arguments.outputs)
    stage.resample_mask(case, arguments.output_mask)
    stage.resample_tissues(case, arguments.tissues, arguments.output_tissues)
    stage.resample_label(case, arguments.label, arguments.output_label)
    mask, tissues = arguments.output_mask, arguments.output_tissues
    normalise_case(arguments.outputs, mask, tissues, arguments.normalised, intensity)


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--images", type=Path, nargs="+", required=True, help="corrected images")
    made.add_argument("--mask", type=Path, required=True, help="brain mask of the anatomy")
    made.add_argument("--tissues", type=Path, required=True, help="tissue labels of the anatomy")
    made.add_argument("--label", type=Path, nargs="?", help="reference label, if there is one")
    made.add_argument("--transforms", type=Path, nargs="*", default=[], help="transform files")
    made.add_argument("--outputs", type=Path, nargs="+", required=True, help="images to write")
    made.add_argument(
        "--normalised", type=Path, nargs="+", required=True, help="normalised images to write"
    )
    for name in ("mask", "tissues", "label"):
        made.add_argument(f"--output-{name}", type=Path, required=True, help=f"{name} to write")
    command.run(failures.tolerant(main, "resample_images", OUTPUTS), made)
