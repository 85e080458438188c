"""Find the brain: everything inside the skull, cerebrospinal fluid included or not."""

from pathlib import Path

import numpy as np

from mribench import programs
from mribench.config import Strip
from mribench.dataset.geometry import Grid
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.brain_rim import tissue_rim
from mribench.preprocessing.checks import check_brain_mask
from mribench.preprocessing.pieces import one_piece
from mribench.preprocessing.plugin import backend
from mribench.preprocessing.sidecars import raw_uri, uri, write_sidecar
from mribench.preprocessing.transforms import case_name


def strip_image(
    image: Path, output: Path, settings: Strip, threads: int, given: Path | None = None
) -> None:
    """Write the brain mask of a bias-corrected image, with its sidecar.

    Parameters
    ----------
    image
        The bias-corrected image of the anatomy contrast.
    output
        Where the mask (uint8) goes.
    settings
        Back end and its parameters, and where the mask ends.
    threads
        Number of threads.
    given
        The data set's own mask, for the back end ``given``.

    Raises
    ------
    StageError
        If the mask is empty, in pieces, or of implausible volume.
    ToolError
        If the program of the back end is missing or failed.
    """
    module = backend("strip_skull", settings.backend)
    source = read_image(image)
    own = {} if given is None else {"given": given}
    with programs.concerning(case_name(image), image):
        mask = one_piece(module.find_brain(source, settings, threads, **own))
    if settings.rim == "tissue":
        check_brain_mask(mask, Grid.of(source), output)
        array = np.asarray(source.dataobj, dtype=np.float32)
        mask = one_piece(tissue_rim(array, mask, Grid.of(source).spacing))
    if settings.backend != "whole":
        check_brain_mask(mask, Grid.of(source), output)
    write_image(output, make_image(mask, source.affine))
    parameters = settings.model_dump(mode="json", exclude=settings.unread())
    sources = [uri(image, output), *map(raw_uri, own.values())]
    own_space = {"SpatialReference": uri(image, output)}
    write_sidecar(output, module.TOOL, sources, parameters, threads, Type="Brain", **own_space)
