"""Bring the anatomy of a case into MNI space."""

from pathlib import Path

import numpy as np

from mribench import programs
from mribench.config import Template
from mribench.errors import ConfigError
from mribench.files import make_image, read_image
from mribench.preprocessing.checks import check_linear
from mribench.preprocessing.plugin import backend
from mribench.preprocessing.sidecars import SEED, uri, write_sidecar
from mribench.preprocessing.template import load_template
from mribench.preprocessing.transforms import case_name, write_affine, write_field

RESOLUTION_MM = 2


def register_brain(
    image: Path, mask: Path, forward: Path, inverse: Path, settings: Template, threads: int
) -> None:
    """Register a brain to the MNI152 template; write the transform and its inverse.

    Parameters
    ----------
    image, mask
        The bias-corrected anatomy and its brain mask.
    forward
        Brings images of the anatomy onto the template: ITK text for linear transforms, one
        displacement field (NIfTI) for the others.
    inverse
        The same for the other way.
    settings
        Back end, and the kind of transform.
    threads
        Number of threads, for the record.

    Raises
    ------
    StageError
        If the registration diverged.
    ToolError
        If the program of the back end is missing or failed.
    """
    if settings.transform == "none":
        raise ConfigError("template.transform is none: there is no transform to write")
    module = backend("register", settings.backend)
    head = read_image(image)
    inside = np.asanyarray(read_image(mask).dataobj) > 0
    brain = make_image(np.where(inside, np.asanyarray(head.dataobj), 0), head.affine)
    template, _ = load_template(RESOLUTION_MM)
    with programs.concerning(case_name(image), image):
        kind = "affine" if settings.is_deformable else settings.transform
        linear = module.register_linear(template, brain, kind)
        check_linear(linear, template, brain, forward, is_rigid=False)
        if settings.is_deformable:
            there, back = module.register_deformable(template, brain, linear)
            write_field(forward, there)
            write_field(inverse, back)
        else:
            write_affine(forward, linear)
            write_affine(inverse, np.linalg.inv(linear))
    parameters = settings.model_dump(mode="json")
    for path in (forward, inverse):
        sources = [uri(image, path), uri(mask, path)]
        write_sidecar(path, module.TOOL, sources, parameters, threads, Seed=SEED)
