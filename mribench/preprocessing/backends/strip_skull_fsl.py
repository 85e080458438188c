"""BET (Smith 2002): a surface that grows from the brain's centre, by FSL."""

import tempfile
from pathlib import Path

import nibabel
import numpy as np

from mribench.config import Strip
from mribench.files import write_image
from mribench.preprocessing.fsl import run_fsl
from mribench.preprocessing.made_images import read_made
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("BET", "FSL")
READS = ("fraction",)


def find_brain(image: nibabel.Nifti1Image, settings: Strip, threads: int) -> np.ndarray:
    """Return the brain mask (x, y, z); BET runs in one thread."""
    with tempfile.TemporaryDirectory() as folder:
        source, brain = Path(folder, "head.nii.gz"), Path(folder, "brain")
        mask = Path(folder, "brain_mask.nii.gz")
        write_image(source, image)
        run_fsl(
            "bet",
            source,
            brain,
            mask=True,
            seg=False,
            fracintensity=settings.fraction,
            outputs=[mask],
        )
        return read_made("FSL", mask, image.shape) > 0
