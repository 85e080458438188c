"""Give the brain an intensity scale that is comparable between cases."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mribench.config import FITTED, Intensity
from mribench.dataset.geometry import Grid
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.checks import check_image
from mribench.preprocessing.plugin import backend
from mribench.preprocessing.scales import Brain
from mribench.preprocessing.sidecars import Tool, uri, write_sidecar


def normalise_case(
    images: Sequence[Path],
    mask: Path,
    tissues: Path,
    outputs: Sequence[Path],
    settings: Intensity,
) -> None:
    """Normalise the images of a case inside the brain and write them, 0 outside.

    Parameters
    ----------
    images
        Images on the variant's grid.
    mask, tissues
        The brain mask and the tissue labels on the same grid.
    outputs
        Where the normalised images go, in the order of `images`.
    settings
        The method, by name. Of one that is fitted on training cases, only the part that
        needs nothing but the case itself is done.

    Raises
    ------
    StageError
        If a brain has one intensity everywhere.
    """
    module = backend("normalise_intensity", settings.method)
    mask_image = read_image(mask)
    inside = np.asanyarray(mask_image.dataobj) > 0
    labels = np.asanyarray(read_image(tissues).dataobj)[inside]
    for image, output in zip(images, outputs, strict=True):
        values = np.asanyarray(read_image(image).dataobj)[inside].astype(np.float64)
        array = np.zeros(inside.shape, dtype=np.float32)
        array[inside] = module.normalise(Brain(values, labels, output), settings)
        result = make_image(array, mask_image.affine)
        check_image(result, Grid.of(mask_image), output)
        write_image(output, result)
        write_sidecar(
            output,
            Tool("normalise_intensity"),
            [uri(path, output) for path in (image, mask, tissues)],
            settings.model_dump(mode="json"),
            SkullStripped=True,
            SpatialReference=uri(mask, output),
            FittedInTraining=settings.method in FITTED,
        )
