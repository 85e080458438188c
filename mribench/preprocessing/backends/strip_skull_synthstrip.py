"""SynthStrip (Hoopes et al. 2022): a network for images of any contrast, by FreeSurfer."""

import tempfile
from pathlib import Path

import nibabel
import numpy as np

from mribench import programs
from mribench.config import Strip
from mribench.files import write_image
from mribench.preprocessing.made_images import read_made
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("SynthStrip", "FreeSurfer")
READS = ()


def find_brain(image: nibabel.Nifti1Image, settings: Strip, threads: int) -> np.ndarray:
    """Return the brain mask (x, y, z); the number of threads comes from the environment."""
    programs.require("FreeSurfer")
    with tempfile.TemporaryDirectory() as folder:
        source, mask = Path(folder, "head.nii.gz"), Path(folder, "mask.nii.gz")
        write_image(source, image)
        program = str(programs.find("FreeSurfer", "mri_synthstrip"))
        programs.run("FreeSurfer", [program, "-i", str(source), "-m", str(mask)], [mask])
        return read_made("FreeSurfer", mask, image.shape) > 0
