"""The files that a preprocessing review looks at, and its script run on them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from fake_study import AFFINE, SHAPE, image, lesions, tissues

from mribench.files import make_image, write_image

IDENTITY = """#Insight Transform File V1.0
#Transform 0
Transform: AffineTransform_double_3_3
Parameters: 1 0 0 0 1 0 0 0 1 0 0 0
FixedParameters: 0 0 0
"""
CONTRASTS = ("T1w", "FLAIR")
TISSUES = ("GM", "WM", "CSF")
SPEC = """{"variant":"native","contrasts":["T1w","FLAIR"],"anatomy":"T1w","reference":"FLAIR",
"label":{"values":{"lesion":1}}}"""


def write_inputs(folder: Path) -> None:
    """The preprocessed files of one case, made without any preprocessing."""
    lesion = lesions("sub-01", empty=False)
    field = (0.8 + 0.4 * np.indices(SHAPE)[1] / SHAPE[1]).astype(np.float32)
    for contrast in CONTRASTS:
        before = image("sub-01", contrast, lesion)
        made = {"conformed": before, "biascorrected": before / field, "biasfield": field}
        for name, array in made.items():
            write_image(folder / f"sub-01_desc-{name}_{contrast}.nii.gz", make_image(array, AFFINE))
    write_image(folder / "mask.nii.gz", make_image(tissues() > 0, AFFINE))
    write_image(folder / "sub-01_dseg.nii.gz", make_image(tissues(), AFFINE))
    for name, share in shares().items():
        write_image(
            folder / f"sub-01_label-{name}_probseg.nii.gz",
            make_image(share.astype(np.float32), AFFINE),
        )
    write_image(folder / "label.nii.gz", make_image(lesion.astype(np.uint8), AFFINE))
    (folder / "template.txt").write_text(IDENTITY)


def shares() -> dict[str, np.ndarray]:
    """The probabilities of the tissues: a quarter of every voxel is of the next tissue."""
    sure = [tissues() == value for value in (1, 2, 3)]
    return {name: 0.75 * sure[n] + 0.25 * sure[n - 1] for n, name in enumerate(TISSUES)}


def run_script(root, inputs, output, *more):
    conformed, corrected, field = (
        [inputs / f"sub-01_desc-{name}_{contrast}.nii.gz" for contrast in CONTRASTS]
        for name in ("conformed", "biascorrected", "biasfield")
    )
    tissues_file = inputs / "sub-01_dseg.nii.gz"
    return subprocess.run(
        [sys.executable, "-m", "scripts.review_preprocessing", "--spec", SPEC, "--case", "sub-01",
         "--conformed", *conformed, "--corrected", *corrected, "--field", *field,
         "--resampled", *corrected,
         "--labels", tissues_file, "--mask", inputs / "mask.nii.gz", "--tissues", tissues_file,
         "--reference-label", inputs / "label.nii.gz", "--transforms", inputs / "template.txt",
         "--page", output / "index.html", "--record", output / "review.json",
         "--thumbnail", output / "thumbnail.png", *more],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
