"""deepbet (Fisch et al. 2024): a network for T1-weighted images, its weights in the wheel."""

import nibabel
import numpy as np

from mribench.config import Strip
from mribench.preprocessing.sidecars import Tool

TOOL = Tool("deepbet", "deepbet")
READS = ()
THRESHOLD = 0.5


def find_brain(image: nibabel.Nifti1Image, settings: Strip, threads: int) -> np.ndarray:
    """Return the brain mask (x, y, z) of a T1-weighted image, on the CPU."""
    import torch
    from deepbet.bet import BrainExtraction

    torch.set_num_threads(threads)
    network = BrainExtraction(no_gpu=True)
    found = network.run_model(np.asarray(image.dataobj, dtype=np.float32).copy())
    return network.postprocess(found > THRESHOLD) > 0
