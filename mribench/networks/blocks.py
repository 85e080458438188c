"""Building blocks that networks share, in two and three dimensions."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mribench.errors import TrainingError, describe

Dimension = Literal[2, 3]
Norm = Literal["batch", "instance"]
CONVOLUTIONS: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
POOLINGS: dict[int, type[nn.Module]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
NORMS: dict[tuple[str, int], type[nn.Module]] = {
    ("batch", 2): nn.BatchNorm2d,
    ("batch", 3): nn.BatchNorm3d,
    ("instance", 2): nn.InstanceNorm2d,
    ("instance", 3): nn.InstanceNorm3d,
}


def convolution(
    dimension: Dimension,
    inputs: int,
    outputs: int,
    norm: Norm,
    stride: int = 1,
    rectify: bool = True,
    size: int = 3,
) -> nn.Sequential:
    """Return a convolution of `size` voxels with normalisation and, if `rectify`, ReLU.

    The convolution has no bias, because the normalisation would remove it.
    """
    layers = (
        CONVOLUTIONS[dimension](
            inputs, outputs, size, stride=stride, padding=size // 2, bias=False
        ),
        NORMS[norm, dimension](outputs, affine=True),
    )
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if rectify else nn.Sequential(*layers)


def convolutions(
    dimension: Dimension, inputs: int, outputs: int, norm: Norm, count: int = 2, size: int = 3
) -> nn.Sequential:
    """Return `count` convolutions of `size` voxels; the first changes the number of channels."""
    widths = [inputs] + [outputs] * count
    pairs = pairwise(widths)
    return nn.Sequential(
        *(convolution(dimension, first, last, norm, size=size) for first, last in pairs)
    )


def last_convolutions(
    dimension: Dimension, inputs: int, outputs: int, norm: Norm, size: int = 3
) -> nn.Sequential:
    """Return two convolutions, the second without ReLU: the last of a network.

    Few rectified features are soon all 0 in the rare foreground, where the background's
    weight in the first steps drives them, and a classifier of zeros does not find back; of
    normalised features it does.
    """
    return nn.Sequential(
        convolution(dimension, inputs, outputs, norm, size=size),
        convolution(dimension, outputs, outputs, norm, rectify=False, size=size),
    )


def pad_to_multiple(features: Tensor, multiple: int | Sequence[int]) -> Tensor:
    """Append zeros after the last voxel of each spatial axis, up to a multiple of `multiple`.

    Parameters
    ----------
    features
        Tensor (batch, channels, *space).
    multiple
        For all axes, or one per axis.
    """
    sizes = features.shape[2:]
    multiples = [multiple] * len(sizes) if isinstance(multiple, int) else multiple
    missing = [-size % whole for size, whole in zip(sizes, multiples, strict=True)]
    if not any(missing):
        return features
    return functional.pad(features, [pad for size in reversed(missing) for pad in (0, size)])


def crop(features: Tensor, shape: Sequence[int]) -> Tensor:
    """Keep the first `shape` voxels of the spatial axes: the inverse of :func:`pad_to_multiple`."""
    kept = tuple(slice(size) for size in shape)
    return features[(slice(None), slice(None), *kept)]


def check_input(images: Tensor, channels: int, smallest: int | Sequence[int], network: str) -> None:
    """Refuse a batch that a network cannot take.

    Raises
    ------
    TrainingError
        If the number of channels differs, or an axis is shorter than `smallest` voxels
        (of all axes, or one per axis), the extent of one voxel of the deepest level.
    """
    shape = tuple(images.shape)
    least = [smallest] * len(shape[2:]) if isinstance(smallest, int) else smallest
    if shape[1] != channels:
        found, expected = f"{shape[1]} channels", f"{channels}, the contrasts it was built for"
        remedy = "give the contrasts of the training, in the same order"
    elif any(size < wanted for size, wanted in zip(shape[2:], least, strict=True)):
        found, expected = f"an input of {shape[2:]} voxels", f"at least {smallest} along each axis"
        remedy = "enlarge patch_size or take fewer levels"
    else:
        return
    raise TrainingError(
        describe(subject=network, file="input", found=found, expected=expected, remedy=remedy)
    )


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def upsample(features: Tensor) -> Tensor:
    """Double each spatial axis by repeating voxels."""
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


def join(features: Tensor, skip: Tensor) -> Tensor:
    """Concatenate decoder features with the encoder's, along the channels."""
    return torch.cat((skip, features), dim=1)
