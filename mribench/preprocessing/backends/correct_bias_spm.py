"""The bias field of SPM12's unified segmentation (Ashburner and Friston 2005), by nipype."""

import tempfile
from pathlib import Path

import nibabel
import numpy as np

from mribench import programs
from mribench.config import Bias
from mribench.files import write_image
from mribench.preprocessing.made_images import read_made
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("SPM12 segmentation", "SPM")
READS = ()
# SPM12's own defaults: weight of the field's smoothness, and its width in mm.
REGULARISATION, WIDTH_MM = 0.001, 60.0


def estimate_field(
    image: nibabel.Nifti1Image, mask: np.ndarray, settings: Bias, threads: int
) -> np.ndarray:
    """Return the multiplicative field (x, y, z) of `image`, with mean 1 inside `mask`.

    SPM looks at the whole image and writes what the image is to be multiplied by; MATLAB
    runs in one thread.
    """
    programs.require("SPM")
    with tempfile.TemporaryDirectory() as folder:
        source, field = Path(folder, "head.nii"), Path(folder, "BiasField_head.nii")
        write_image(source, image)
        _segment(source, field)
        found = 1 / read_made("SPM", field, image.shape).astype(np.float64)
    return found / found[mask].mean()


def _segment(source: Path, field: Path) -> None:
    from nipype.interfaces.spm import NewSegment

    channel = (REGULARISATION, WIDTH_MM, (True, False))
    try:
        job = NewSegment(channel_files=str(source), channel_info=channel)
        job.run(cwd=str(source.parent))
    except (OSError, RuntimeError) as error:
        found = programs.telling_line(_reason(str(error)))
        raise programs.ProgramError("SPM", found, "a bias field", programs.remedy("SPM")) from error
    if not field.is_file():
        found = f"no {field.name} after a run without error"
        raise programs.ProgramError("SPM", found, "a bias field", programs.remedy("SPM"))


def _reason(text: str) -> str:
    """Return the line in which nipype passes on why MATLAB stopped."""
    for mark in ("Standard error:", "threw an exception:"):
        text = text.partition(mark)[2] or text
    return text.strip().split("\n")[0]
