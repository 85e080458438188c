"""The resolution-adaptive U-Net of Diaz et al.: kernels and poolings in mm.

``mribench.networks.spherical`` has the layers. Further decisions: skipped features are
concatenated before those from below; features go up by repeating voxels as often as the
pooling joined them; the last convolution gives the scalars of the first level without
ReLU, as vectors there could reach no logit.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from mribench.networks.blocks import check_input, crop, join, pad_to_multiple
from mribench.networks.spherical import (
    ROOM,
    Features,
    PhysicalBlock,
    Spacing,
    kernel_shape,
    pool_features,
)

DEGREES = ((4, 0), (2, 1), (1, 2))


class Level(NamedTuple):
    """One level of the U-Net on the grid at hand: sizes in mm, shapes in voxels."""

    spacing: Spacing
    kernel_width: float
    kernel: tuple[int, ...]
    pooling_width: float
    pooling: tuple[int, ...]


def plan_levels(
    spacing: Sequence[float], levels: int, kernel_width: float, pooling_width: float
) -> list[Level]:
    """Return what every level does to images of a voxel size (Table 1 of the paper).

    Parameters
    ----------
    spacing
        Voxel size in mm.
    levels
        Number of levels; the pooling of the last one is not done.
    kernel_width, pooling_width
        Widths at the first level in mm; both double from level to level. Pooling joins
        the voxels that fit into its width, at least one along each axis.
    """
    plan = []
    here = tuple(round(float(step), 3) for step in spacing)
    for level in range(levels):
        kernel, pool = kernel_width * 2**level, pooling_width * 2**level
        joined = tuple(max(1, int(pool / step + ROOM)) for step in here)
        plan.append(Level(here, kernel, kernel_shape(kernel, here), pool, joined))
        here = tuple(step * count for step, count in zip(here, joined, strict=True))
    return plan


class ResolutionAdaptiveUNet(nn.Module):
    """A 3D U-Net that may see another voxel size in every batch.

    Parameters
    ----------
    channels, classes
        Contrasts, and logits per voxel.
    width
        Rank-2 tensors of the first level; it has twice as many vectors and four times as
        many scalars, 15 components each. Each level below has twice as many of all.
    levels
        Number of levels, so `levels - 1` poolings.
    kernel_width, pooling_width
        In mm at the first level.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        width: int,
        levels: int,
        kernel_width: float,
        pooling_width: float,
    ) -> None:
        super().__init__()
        self.channels, self.levels = channels, levels
        self.kernel_width, self.pooling_width = kernel_width, pooling_width
        self.features: list[Features] = [
            [(number * width * 2**level, degree) for number, degree in DEGREES]
            for level in range(levels)
        ]
        inputs: list[Features] = [[(channels, 0)], *self.features[:-1]]
        self.encoder = nn.ModuleList(
            PhysicalBlock([before, here, here], kernel_width * 2**level)
            for level, (before, here) in enumerate(zip(inputs, self.features, strict=True))
        )
        scalars: Features = self.features[0][:1]
        self.decoder = nn.ModuleList(
            PhysicalBlock(
                [[*here, *below], here, here if level else scalars],
                kernel_width * 2**level,
                rectify=level > 0,
            )
            for level, (here, below) in enumerate(pairwise(self.features))
        )
        self.classifier = nn.Conv3d(scalars[0][0], classes, 1)

    def forward(self, images: Tensor, spacing: Sequence[float]) -> Tensor:
        """Return logits (batch, classes, x, y, z) of images of one voxel size.

        Parameters
        ----------
        images
            (batch, channels, x, y, z), at least one voxel of the deepest level along each
            axis; the end is padded with zeros to whole voxels of that level.
        spacing
            Voxel size of all of them in mm.
        """
        plan = plan_levels(spacing, self.levels, self.kernel_width, self.pooling_width)
        poolings = [level.pooling for level in plan[:-1]]
        whole = [prod(counts) for counts in zip(*poolings, strict=True)]
        check_input(images, self.channels, whole, "resolution-adaptive U-Net")
        values, skips = pad_to_multiple(images, whole), []
        for number, (block, level) in enumerate(zip(self.encoder, plan, strict=True)):
            if number:
                values = pool_features(values, self.features[number - 1], poolings[number - 1])
            values = block(values, level.spacing)
            skips.append(values)
        skips.pop()
        for number in reversed(range(self.levels - 1)):
            scale = tuple(float(count) for count in poolings[number])
            values = functional.interpolate(values, scale_factor=scale, mode="nearest")
            values = self.decoder[number](join(values, skips.pop()), plan[number].spacing)
        return crop(self.classifier(values), images.shape[2:])
