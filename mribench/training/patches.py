"""Drawing patches: whole or partial slices for 2D networks, blocks for 3D networks.

A batch depends on the seed and its number only, never on the batches before it, so
that an interrupted training can go on anywhere.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from mribench.training.intensity import ScaledImages
from mribench.training.store import Case

IGNORE = 255
PLACES = 10_000


class Batch(NamedTuple):
    """Patches with their place; `space` has two axes for slices, three for blocks.

    Attributes
    ----------
    images
        float32 (batch, channels, *space).
    labels
        uint8 (batch, *space).
    origins
        First voxel of each patch in its image (batch, axes), negative where padding precedes.
    sizes
        Voxels of the whole image along the axes of the patch (batch, axes).
    spacings
        Voxel size along the axes of the patch in mm (batch, axes).
    """

    images: Tensor
    labels: Tensor
    origins: Tensor
    sizes: Tensor
    spacings: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on `device`."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))

    def part(self, chosen: slice) -> "Batch":
        """Return some of the patches."""
        return Batch(*(tensor[chosen] for tensor in self))


def overlap(
    origin: Sequence[int], shape: Sequence[int], size: Sequence[int]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return where a block lies in an image, and where that part lies in the block.

    Parameters
    ----------
    origin, shape
        First voxel and extent of the block, which may reach beyond the image but
        must meet it.
    size
        Extent of the image.
    """
    axes = list(zip(origin, shape, size, strict=True))
    bounds = [(max(first, 0), min(first + length, end)) for first, length, end in axes]
    inside = tuple(slice(start, stop) for start, stop in bounds)
    pairs = zip(bounds, origin, strict=True)
    return inside, tuple(slice(start - first, stop - first) for (start, stop), first in pairs)


def read_block(
    array: np.ndarray | ScaledImages, origin: Sequence[int], shape: Sequence[int]
) -> np.ndarray:
    """Copy a block from the last three axes of an array; what lies outside is 0."""
    inside, part = overlap(origin, shape, array.shape[-3:])
    block = np.zeros((*array.shape[:-3], *shape), dtype=array.dtype)
    block[(Ellipsis, *part)] = array[(Ellipsis, *inside)]
    return block


class Sampler(Protocol):
    """A source of training batches."""

    def batch(self, number: int) -> Batch:
        """Return the batch with this number, whatever was asked for before."""


class PatchSampler:
    """Draws training batches from cases.

    Parameters
    ----------
    cases
        Training cases; each is as likely as the others.
    patch_size
        Voxels along the axes of the patch.
    plane_axis
        For slices, the axis across them; None for blocks.
    batch_size
        Patches a batch.
    foreground
        Share of the patches that must contain a voxel of a class: the nearest whole
        number of each batch, at least one, as long as some case has any.
    seed
        Seed of all batches.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        patch_size: Sequence[int],
        plane_axis: int | None,
        batch_size: int,
        foreground: float,
        seed: int,
    ) -> None:
        self.cases = cases
        self.plane_axis = plane_axis
        self.axes = [axis for axis in range(3) if axis != plane_axis]
        self.shape = list(patch_size)
        if plane_axis is not None:
            self.shape.insert(plane_axis, 1)
        self.batch_size = batch_size
        self.seed = seed
        self.brain = [_places(np.asarray(case.mask) > 0) for case in cases]
        self.classes = [_class_places(np.asarray(case.labels)) for case in cases]
        self.lesioned = [index for index, found in enumerate(self.classes) if found]
        wanted = max(1, round(foreground * batch_size)) if foreground > 0 else 0
        self.foreground_count = wanted if self.lesioned else 0

    def batch(self, number: int) -> Batch:
        """Return the batch with this number."""
        rng = np.random.default_rng((self.seed, number))
        drawn = [
            self._draw(rng, foreground=index < self.foreground_count)
            for index in range(self.batch_size)
        ]
        images, labels, origins, sizes, spacings = zip(*drawn, strict=True)
        return Batch(
            torch.from_numpy(np.stack(images).astype(np.float32)),
            torch.from_numpy(np.stack(labels)),
            torch.tensor(origins),
            torch.tensor(sizes),
            torch.tensor(spacings),
        )

    def _draw(self, rng: np.random.Generator, foreground: bool) -> tuple:
        index = int(rng.choice(self.lesioned) if foreground else rng.integers(len(self.cases)))
        places = self.brain[index]
        if foreground:
            places = self.classes[index][rng.integers(len(self.classes[index]))]
        case = self.cases[index]
        voxel = places[rng.integers(len(places))]
        origin = [
            _origin(rng, int(place), length, size)
            for place, length, size in zip(voxel, self.shape, case.shape, strict=True)
        ]
        images = read_block(case.images, origin, self.shape)
        labels = read_block(case.labels, origin, self.shape)
        if self.plane_axis is not None:
            images = images.squeeze(self.plane_axis + 1)
            labels = labels.squeeze(self.plane_axis)
        described = [origin, case.shape, case.spacing]
        return images, labels, *([values[axis] for axis in self.axes] for values in described)


def _origin(rng: np.random.Generator, place: int, length: int, size: int) -> int:
    """Return a random first voxel of a patch that contains `place`; centred where it is longer."""
    if length >= size:
        return -((length - size) // 2)
    lowest = max(place - length + 1, 0)
    highest = min(place, size - length)
    return int(rng.integers(lowest, highest + 1))


def _places(voxels: np.ndarray) -> np.ndarray:
    """Return at most `PLACES` true voxels (n, 3), evenly spread over the array's order."""
    places = np.argwhere(voxels)
    return places[:: -(-len(places) // PLACES) or 1]


def _class_places(labels: np.ndarray) -> list[np.ndarray]:
    values = [value for value in np.unique(labels) if value not in (0, IGNORE)]
    return [_places(labels == value) for value in values]
