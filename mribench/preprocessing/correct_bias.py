"""Remove the smooth intensity bias that receive coils leave on an image."""

from pathlib import Path

import numpy as np

from mribench import programs
from mribench.config import Bias
from mribench.dataset.geometry import Grid
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.checks import check_bias_field, check_image
from mribench.preprocessing.foreground import core_mask
from mribench.preprocessing.plugin import backend
from mribench.preprocessing.sidecars import uri, write_sidecar
from mribench.preprocessing.transforms import case_name


def correct_image(image: Path, output: Path, field: Path, settings: Bias, threads: int) -> None:
    """Correct one conformed image; write it and its bias field, with sidecars.

    Parameters
    ----------
    image
        The conformed image.
    output, field
        Where the corrected image and the field go; their product is the input.
    settings
        Back end and its parameters.
    threads
        Number of threads.

    Raises
    ------
    StageError
        If the field is not positive or implausibly strong.
    ToolError
        If the program of the back end is missing or failed.
    """
    module = backend("correct_bias", settings.backend)
    source = read_image(image)
    mask = core_mask(source)
    with programs.concerning(case_name(image), image):
        estimate = module.estimate_field(source, mask, settings, threads).astype(np.float32)
    check_bias_field(estimate, mask, field)
    corrected = make_image(np.asanyarray(source.dataobj) / estimate, source.affine)
    check_image(corrected, Grid.of(source), output)
    write_image(output, corrected)
    write_image(field, make_image(estimate, source.affine))
    parameters = settings.model_dump(mode="json", exclude=settings.unread())
    sources = [uri(image, output)]
    write_sidecar(output, module.TOOL, sources, parameters, threads, SkullStripped=False)
    write_sidecar(field, module.TOOL, sources, parameters, threads, SkullStripped=False)
