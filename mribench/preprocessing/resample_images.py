"""Bring images, mask, tissues and labels of a case onto the variant's grid.

One interpolation each: the transforms are composed first. B-splines or linear for images,
linear for the mask, nearest neighbour or a vote for labels. Cropping and padding keep the
voxels where they are.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from mribench.config import Grid as GridSettings
from mribench.config import Label, Model
from mribench.dataset.geometry import Grid
from mribench.files import make_image, read_image, write_image
from mribench.preprocessing.checks import check_brain_mask, check_image, fail
from mribench.preprocessing.grids import (
    TEMPLATE,
    Link,
    cut_grid,
    fill_axes,
    onto_variant,
    variant_grid,
)
from mribench.preprocessing.sidecars import Tool, raw_uri, uri, write_sidecar
from mribench.preprocessing.transforms import ends
from mribench.preprocessing.warp import Interpolation, resample

IGNORE = 255


class ResampleSettings(Model):
    """What the script ``resample_images`` reads of the configuration."""

    contrasts: tuple[str, ...] = ("T1w", "FLAIR")
    """The contrasts of the data set, in order."""
    reference: str = "FLAIR"
    """The contrast whose space the others were brought into."""
    anatomy: str = "T1w"
    """The contrast that mask and tissues stand on."""
    grid: GridSettings = GridSettings()
    """The variant's grid."""
    label: Label = Label()
    """Voxel values of the classes."""
    label_contrast: str | None = None
    """The contrast on whose grid the case's reference label stands; null if it has none."""


class Case:
    """One case on its way to the variant's grid.

    Parameters
    ----------
    settings
        The variant's settings.
    images
        The bias-corrected images, one per contrast.
    transforms
        The transform files that the chains need; their names say from and to.
    mask
        The brain mask of the anatomy, which the variant's grid may be centred on.
    """

    def __init__(
        self,
        settings: ResampleSettings,
        images: Sequence[Path],
        transforms: Sequence[Path],
        mask: Path,
    ) -> None:
        self.settings = settings
        self.images = dict(zip(settings.contrasts, images, strict=True))
        self.links: Mapping[Link, Path] = {ends(path): path for path in transforms}
        reference = Grid.of(read_image(self.images[settings.reference]))
        self.mask = mask
        self.grid = variant_grid(settings.grid, reference)
        if settings.grid.size is not None:
            size = fill_axes(settings.grid.size, self.grid.shape)
            self.grid = cut_grid(self.grid, size, self._centre())

    def chain(self, contrast: str) -> list[Path]:
        """Return the transforms that bring images of `contrast` onto the variant's grid."""
        settings = self.settings
        roles = (settings.reference, settings.anatomy, settings.grid.space)
        return [self.links[link] for link in onto_variant(contrast, *roles)]

    def _centre(self) -> np.ndarray:
        """Return the voxel (3,) of the whole field of view that the settings centre on."""
        wanted = self.settings.grid.centre
        if wanted == "grid":
            return (np.array(self.grid.shape) - 1) / 2
        if wanted == "brain":
            return np.array(ndimage.center_of_mass(self.require_brain()))
        return (np.linalg.inv(self.grid.affine) @ [*wanted, 1])[:3]

    def require_brain(self) -> np.ndarray:
        """Return the brain mask on the grid; raise where none of it falls there."""
        brain = self.bring_mask()
        if brain.any():
            return brain
        remedy = "look at the registration, and at size and centre of the variant's grid"
        raise fail(self.mask, "no brain on the variant's grid", "some of it", remedy)

    def bring_mask(self) -> np.ndarray:
        """Return the brain mask (x, y, z), booleans, on the grid."""
        image = read_image(self.mask)
        array = (np.asanyarray(image.dataobj) > 0).astype(np.float32)
        return self.bring(array, Grid.of(image), self.settings.anatomy, "linear") >= 0.5

    def bring(
        self, array: np.ndarray, grid: Grid, contrast: str, interpolation: Interpolation
    ) -> np.ndarray:
        """Return `array` on `grid`, in the space of `contrast`, on the variant's grid."""
        return resample(array, grid, self.grid, self.chain(contrast), interpolation)

    def write(
        self, output: Path, array: np.ndarray, sources: Sequence[str], contrast: str, **fields: Any
    ) -> None:
        """Write `array` on the variant's grid, with its sidecar."""
        write_image(output, make_image(array, self.grid.affine))
        chain = [uri(path, output) for path in self.chain(contrast)]
        parameters = {"grid": self.settings.grid.model_dump(mode="json")}
        space = self._space(output)
        tool = Tool("resample_images")
        write_sidecar(
            output, tool, [*sources, *chain], parameters, SpatialReference=space, **fields
        )

    def _space(self, output: Path) -> str:
        """Return what defines the variant's space: the template, or the reference contrast."""
        if self.settings.grid.space == "template":
            return TEMPLATE
        return uri(self.images[self.settings.reference], output)


def resample_contrasts(case: Case, outputs: Sequence[Path]) -> None:
    """Write all contrasts on the variant's grid, skull and all."""
    for (contrast, path), output in zip(case.images.items(), outputs, strict=True):
        image = read_image(path)
        array = np.asanyarray(image.dataobj)
        brought = case.bring(array, Grid.of(image), contrast, case.settings.grid.interpolation)
        check_image(make_image(brought, case.grid.affine), case.grid, output)
        case.write(output, brought, [uri(path, output)], contrast, SkullStripped=False)


def resample_mask(case: Case, output: Path) -> None:
    """Write the brain mask on the variant's grid.

    Raises
    ------
    StageError
        If it is no plausible brain, or none of it is left on a grid of a given size.
        A mask of the whole field of view is not looked at: no brain was searched.
    """
    brought = case.require_brain()
    is_whole = bool(np.all(read_image(case.mask).dataobj))
    if case.settings.grid.size is None and not is_whole:
        check_brain_mask(brought, case.grid, output)
    sources = [uri(case.mask, output)]
    case.write(output, brought, sources, case.settings.anatomy, Type="Brain")


def resample_tissues(case: Case, tissues: Path, output: Path) -> None:
    """Write the tissue labels on the variant's grid."""
    image = read_image(tissues)
    anatomy = case.settings.anatomy
    kind = case.settings.grid.label_interpolation
    brought = case.bring(np.asanyarray(image.dataobj), Grid.of(image), anatomy, kind)
    case.write(output, brought, [uri(tissues, output)], anatomy, Manual=False)


def resample_label(case: Case, label: Path | None, output: Path) -> None:
    """Write the training label on the variant's grid; 255 everywhere where a case has none."""
    settings = case.settings
    contrast = settings.label_contrast or settings.reference
    if label is None:
        unknown = np.full(case.grid.shape, IGNORE, dtype=np.uint8)
        case.write(output, unknown, [], contrast, Manual=True)
        return
    image = read_image(label)
    array = np.asanyarray(image.dataobj)
    classes = training_label(array.reshape(array.shape[:3]), settings.label)
    kind = settings.grid.label_interpolation
    brought = case.bring(classes, Grid.of(image), contrast, kind)
    case.write(output, brought, [raw_uri(label)], contrast, Manual=True)


def training_label(array: np.ndarray, label: Label) -> np.ndarray:
    """Return label values (x, y, z) as classes: 0, 1, 2 … in the order of the settings.

    255 marks voxels that training and scoring leave out.
    """
    classes = np.zeros(array.shape, dtype=np.uint8)
    for number, value in enumerate(label.values.values(), start=1):
        classes[array == value] = number
    classes[np.isin(array, label.ignore)] = IGNORE
    return classes
