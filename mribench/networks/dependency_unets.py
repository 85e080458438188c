"""The four networks of "Spatially Dependent U-Nets" (Carvalho et al., MIDL 2021).

The paper gives kernels of 3, two convolutions a scale, batch normalisation and ReLU; the rest
is decided so that its Table 4 comes out (docs/methods/spatial_dependency.md has both):

U-Net
    Widths from 32, four scales for nuclei and five otherwise; a 1x1 convolution halves the
    channels on the way up, then voxels are repeated and the skip is concatenated.
U-Net++
    The same widths; every node takes all nodes of its scale before it and the one below,
    whose channels are not halved. No deep supervision.
SDU-Net, SDNU-Net
    Spatial dependency layers, each with normalisation and ReLU, after the convolutions of the
    deepest scale, and as many before those of the decoder's deepest node, on its
    concatenated input: the project-out stage gives back the channels it got.

The last convolution goes without ReLU, see :func:`blocks.last_convolutions`.
"""

from typing import NamedTuple

from torch import Tensor, nn

from mribench.networks.blocks import (
    CONVOLUTIONS,
    NORMS,
    POOLINGS,
    Dimension,
    check_input,
    convolutions,
    crop,
    join,
    last_convolutions,
    pad_to_multiple,
    upsample,
)
from mribench.networks.spatial_dependency import SpatialDependency


class Dependency(NamedTuple):
    """The spatial dependency layers of a network.

    Attributes
    ----------
    layers
        How many stand in the encoder, and again in the decoder.
    state
        Channels of the corrected state.
    directions
        Sweeps of each layer.
    residual
        Whether to take the residual form.
    """

    layers: int = 1
    state: int = 150
    directions: int = 2
    residual: bool = True


def dependencies(dimension: Dimension, channels: int, chosen: Dependency | None) -> nn.Sequential:
    """Return the chosen layers, each with normalisation and ReLU; nothing where none are."""
    modules: list[nn.Module] = []
    for _ in range(chosen.layers if chosen else 0):
        assert chosen is not None
        settings = (chosen.state, chosen.directions, chosen.residual)
        modules += [
            SpatialDependency(dimension, channels, *settings),
            NORMS["batch", dimension](channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*modules)


class HalvingUNet(nn.Module):
    """U-Net, or SDU-Net where `dependency` is given.

    Parameters
    ----------
    dimension
        2 for slices, 3 for volumes.
    channels, classes
        Contrasts, and logits per voxel.
    width
        Channels of the first scale, doubled at each scale below.
    levels
        Number of scales.
    dependency
        The spatial dependency layers.
    """

    def __init__(
        self,
        dimension: Dimension,
        channels: int,
        classes: int,
        width: int,
        levels: int,
        dependency: Dependency | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.multiple = channels, 2 ** (levels - 1)
        widths = [width * 2**level for level in range(levels)]
        blocks = [
            convolutions(dimension, before, here, "batch")
            for before, here in zip([channels, *widths[:-1]], widths, strict=True)
        ]
        blocks[-1].extend(dependencies(dimension, widths[-1], dependency))
        self.encoder = nn.ModuleList(blocks)
        self.halve = nn.ModuleList(
            CONVOLUTIONS[dimension](2 * here, here, 1) for here in widths[:-1]
        )
        self.decoder = nn.ModuleList(
            (convolutions if level else last_convolutions)(dimension, 2 * here, here, "batch")
            for level, here in enumerate(widths[:-1])
        )
        self.correct = dependencies(dimension, widths[-1], dependency)
        self.pool = POOLINGS[dimension](2)
        self.classifier = CONVOLUTIONS[dimension](width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes, *space) of images (batch, channels, *space)."""
        check_input(images, self.channels, self.multiple, "U-Net")
        features, skips = pad_to_multiple(images, self.multiple), []
        for level, block in enumerate(self.encoder):
            features = block(self.pool(features) if level else features)
            skips.append(features)
        features = skips.pop()
        deepest = len(self.decoder) - 1
        for level in range(deepest, -1, -1):
            features = join(upsample(self.halve[level](features)), skips.pop())
            features = self.correct(features) if level == deepest else features
            features = self.decoder[level](features)
        return crop(self.classifier(features), images.shape[2:])


class NestedUNet(nn.Module):
    """U-Net++, or SDNU-Net where `dependency` is given; parameters as for `HalvingUNet`."""

    def __init__(
        self,
        dimension: Dimension,
        channels: int,
        classes: int,
        width: int,
        levels: int,
        dependency: Dependency | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.levels, self.multiple = channels, levels, 2 ** (levels - 1)
        widths = [width * 2**level for level in range(levels)]
        nodes: dict[str, nn.Sequential] = {}
        for level, here in enumerate(widths):
            for number in range(levels - level):
                inputs = widths[level - 1] if level else channels
                if number:
                    inputs = number * here + widths[level + 1]
                last = level == 0 and number == levels - 1
                build = last_convolutions if last else convolutions
                nodes[f"{level}_{number}"] = build(dimension, inputs, here, "batch")
        nodes[f"{levels - 1}_0"].extend(dependencies(dimension, widths[-1], dependency))
        self.nodes = nn.ModuleDict(nodes)
        self.correct = dependencies(dimension, widths[-2] + widths[-1], dependency)
        self.pool = POOLINGS[dimension](2)
        self.classifier = CONVOLUTIONS[dimension](width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes, *space) of images (batch, channels, *space)."""
        check_input(images, self.channels, self.multiple, "U-Net++")
        features = pad_to_multiple(images, self.multiple)
        rows: list[list[Tensor]] = []
        for level in range(self.levels):
            features = self.nodes[f"{level}_0"](self.pool(features) if level else features)
            rows.append([features])
            for above in reversed(range(level)):
                rows[above].append(self._node(rows, above))
        return crop(self.classifier(rows[0][-1]), images.shape[2:])

    def _node(self, rows: list[list[Tensor]], level: int) -> Tensor:
        """Return the next node of a scale from those before it and the newest one below."""
        before, below = rows[level], rows[level + 1][-1]
        features = upsample(below)
        for node in reversed(before):
            features = join(features, node)
        if level == self.levels - 2:
            features = self.correct(features)
        return self.nodes[f"{level}_{len(before)}"](features)
