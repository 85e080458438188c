"""Bring a contrast of a case into the space of its reference contrast."""

from pathlib import Path

import numpy as np

from mribench import programs
from mribench.config import Register
from mribench.files import read_image
from mribench.preprocessing.checks import check_linear
from mribench.preprocessing.plugin import backend
from mribench.preprocessing.sidecars import SEED, Tool, uri, write_sidecar
from mribench.preprocessing.transforms import case_name, write_affine


def register_pair(
    moving: Path, fixed: Path, forward: Path, inverse: Path, settings: Register, threads: int
) -> None:
    """Register two bias-corrected images of a case; write the transform and its inverse.

    Parameters
    ----------
    moving, fixed
        The contrast to be brought over, and the reference contrast.
    forward
        ITK text file that brings images of `moving` onto `fixed`.
    inverse
        The same for the other way.
    settings
        Back end, and the kind of transform; ``none`` is the identity in scanner coordinates.
    threads
        Number of threads, for the record.

    Raises
    ------
    StageError
        If the registration diverged.
    ToolError
        If the program of the back end is missing or failed.
    """
    tool, matrix = Tool("none"), np.eye(4)
    if settings.transform != "none":
        module = backend("register", settings.backend)
        first, second = read_image(fixed), read_image(moving)
        tool = module.TOOL
        with programs.concerning(case_name(moving), moving):
            matrix = module.register_linear(first, second, settings.transform)
        check_linear(matrix, first, second, forward, is_rigid=settings.transform == "rigid")
    parameters = settings.model_dump(mode="json")
    for path, linear in ((forward, matrix), (inverse, np.linalg.inv(matrix))):
        write_affine(path, linear)
        sources = [uri(moving, path), uri(fixed, path)]
        write_sidecar(path, tool, sources, parameters, threads, Seed=SEED)
