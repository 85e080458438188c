"""Random changes of a batch: mirroring, affine maps and intensity, in torch on its device."""

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from mribench.training.patches import Batch


class Strength(Protocol):
    """How strong each change is; see ``mribench.methods.base.Augmentation``."""

    probability: float
    mirror: bool
    rotation: float
    scaling: float
    translation: float
    intensity: float
    gamma: float
    noise: float


def augment(
    batch: Batch, strength: Strength, mirror_axis: int | None, generator: torch.Generator
) -> Batch:
    """Return a randomly changed copy of a batch.

    Parameters
    ----------
    batch
        Patches; images and labels are moved alike, images linearly, labels by nearest
        neighbour; what comes from outside the patch is 0.
    strength
        Largest changes.
    mirror_axis
        Axis of the patch that runs from left to right, or None where none does.
    generator
        Source of all random numbers, on the batch's device.
    """
    if strength.mirror and mirror_axis is not None:
        batch = mirror(batch, mirror_axis, _draw(batch, generator) < 0.5)
    chosen = _draw(batch, generator) < strength.probability
    images, labels = move(batch, affine_maps(batch, strength, chosen, generator))
    return batch._replace(images=change_intensity(images, strength, generator), labels=labels)


def mirror(batch: Batch, axis: int, chosen: Tensor) -> Batch:
    """Flip the chosen patches along an axis; each gets the place of its mirror image."""
    shape = (-1, *[1] * (batch.labels.ndim - 1))
    flags = chosen.view(shape)
    images = torch.where(flags.unsqueeze(1), batch.images.flip(axis + 2), batch.images)
    labels = torch.where(flags, batch.labels.flip(axis + 1), batch.labels)
    origins = batch.origins.clone()
    mirrored = batch.sizes[:, axis] - batch.origins[:, axis] - batch.images.shape[axis + 2]
    origins[:, axis] = torch.where(chosen, mirrored, origins[:, axis])
    return batch._replace(images=images, labels=labels, origins=origins)


def affine_maps(
    batch: Batch, strength: Strength, chosen: Tensor, generator: torch.Generator
) -> Tensor:
    """Return random maps (batch, axes, axes + 1) for ``affine_grid``; identity if not chosen.

    Rotation and scaling act in mm around the centre of the patch, so they stay rigid
    where voxels are not cubes.
    """
    count, axes = batch.origins.shape
    linear = torch.eye(axes, device=batch.images.device).repeat(count, 1, 1)
    for first in range(axes):
        for second in range(first + 1, axes):
            angle = math.radians(strength.rotation) * _symmetric(batch, generator)
            linear = linear @ _rotation(angle, axes, first, second)
    linear = linear * (1 + strength.scaling * _symmetric(batch, generator)).view(-1, 1, 1)
    lengths = torch.tensor(batch.images.shape[2:], device=batch.images.device)
    extent = batch.spacings * lengths
    linear = linear * extent[:, None, :] / extent[:, :, None]
    shift = [2 * strength.translation * _symmetric(batch, generator) for _ in range(axes)]
    maps = torch.cat((linear, torch.stack(shift, dim=1)[:, :, None]), dim=2)
    identity = torch.eye(axes, axes + 1, device=maps.device)
    maps = torch.where(chosen.view(-1, 1, 1), maps, identity)
    # affine_grid counts axes from the last one, patches from the first.
    return torch.cat((maps[:, :, :axes].flip(1, 2), maps[:, :, axes:].flip(1)), dim=2)


def move(batch: Batch, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Resample images and labels through `maps`."""
    shape = list(batch.images.shape)
    grid = functional.affine_grid(maps.to(batch.images.dtype), shape, align_corners=False)
    images = functional.grid_sample(batch.images, grid, align_corners=False)
    labels = batch.labels[:, None].to(batch.images.dtype)
    labels = functional.grid_sample(labels, grid, mode="nearest", align_corners=False)
    return images, labels[:, 0].to(batch.labels.dtype)


def change_intensity(images: Tensor, strength: Strength, generator: torch.Generator) -> Tensor:
    """Scale, shift, bend (gamma) and add noise, per patch and contrast, inside the brain only."""
    brain = (images != 0).any(dim=1, keepdim=True)
    size = (*images.shape[:2], *[1] * (images.ndim - 2))

    def symmetric() -> Tensor:
        drawn = torch.rand(size, generator=generator, device=images.device)
        return 2 * drawn - 1

    scale, shift = 1 + strength.intensity * symmetric(), strength.intensity * symmetric()
    power = torch.exp(strength.gamma * symmetric())
    level = strength.noise * (symmetric() + 1) / 2
    lowest = images.amin(dim=tuple(range(2, images.ndim)), keepdim=True)
    highest = images.amax(dim=tuple(range(2, images.ndim)), keepdim=True)
    width = (highest - lowest).clamp(min=1e-6)
    bent = ((images - lowest) / width).clamp(0, 1) ** power * width + lowest
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return torch.where(brain, bent * scale + shift + level * noise, 0.0)


def _rotation(angle: Tensor, axes: int, first: int, second: int) -> Tensor:
    matrix = torch.eye(axes, device=angle.device).repeat(len(angle), 1, 1)
    matrix[:, first, first] = matrix[:, second, second] = torch.cos(angle)
    matrix[:, first, second] = -torch.sin(angle)
    matrix[:, second, first] = torch.sin(angle)
    return matrix


def _draw(batch: Batch, generator: torch.Generator) -> Tensor:
    """Return one number in [0, 1) per patch."""
    return torch.rand(len(batch.images), generator=generator, device=batch.images.device)


def _symmetric(batch: Batch, generator: torch.Generator) -> Tensor:
    """Return one number in [-1, 1) per patch."""
    return 2 * _draw(batch, generator) - 1
