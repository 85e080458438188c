"""Reading what an external program wrote, without trust."""

from pathlib import Path

import numpy as np

from mribench.errors import DataError
from mribench.files import read_image
from mribench.programs import ProgramError, remedy


def read_made(name: str, path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return the values of an image that a program made.

    Parameters
    ----------
    name
        The program, a key of :data:`mribench.programs.PROGRAMS`.
    path
        What it wrote.
    shape
        The voxels that it must have.

    Raises
    ------
    ProgramError
        If the file is damaged, or has another shape.
    """
    try:
        found = np.asanyarray(read_image(path).dataobj)
    except DataError as error:
        text = f"{path.name} that cannot be read"
        raise ProgramError(name, text, "a complete image", remedy(name)) from error
    if found.shape != shape:
        text = f"{path.name} of {found.shape} voxels"
        raise ProgramError(name, text, f"{shape} as its input", remedy(name))
    return found
