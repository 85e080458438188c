"""A plain U-Net (Ronneberger et al. 2015; Çiçek et al. 2016) in two or three dimensions."""

from itertools import pairwise

from torch import Tensor, nn

from mribench.networks.blocks import (
    CONVOLUTIONS,
    POOLINGS,
    Dimension,
    Norm,
    check_input,
    convolutions,
    crop,
    join,
    last_convolutions,
    pad_to_multiple,
    upsample,
)


class UNet(nn.Module):
    """Two convolutions a level, max pooling down, repeated voxels up, skips concatenated.

    Parameters
    ----------
    dimension
        2 for slices, 3 for volumes.
    channels
        Channels of the input: contrasts.
    classes
        Channels of the output: one logit per class, background not counted.
    width
        Channels of the first level; each level below has twice as many.
    levels
        Number of levels, so `levels - 1` poolings.
    norm
        ``batch`` for slices: the mean of a slice says something (is there bright
        tissue at all?), and instance normalisation would blow up the noise of empty
        slices. ``instance`` for volumes, where a batch holds too few patches.
    size
        Voxels of a kernel along each axis, odd.

    Notes
    -----
    The last convolution goes without ReLU, see :func:`blocks.last_convolutions`.

    Any input of at least ``2 ** (levels - 1)`` voxels along each axis is taken: it is
    padded with zeros to a multiple of that, and the logits are cropped back.
    """

    def __init__(
        self,
        dimension: Dimension,
        channels: int,
        classes: int,
        width: int,
        levels: int,
        norm: Norm,
        size: int = 3,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.multiple = 2 ** (levels - 1)
        widths = [width * 2**level for level in range(levels)]
        inputs = [channels, *widths[:-1]]
        self.encoder = nn.ModuleList(
            convolutions(dimension, first, last, norm, size=size)
            for first, last in zip(inputs, widths, strict=True)
        )
        self.decoder = nn.ModuleList(
            convolutions(dimension, below + here, here, norm, size=size)
            for here, below in pairwise(widths[1:])
        )
        self.last = last_convolutions(dimension, widths[1] + width, width, norm, size)
        self.pool = POOLINGS[dimension](2)
        self.classifier = CONVOLUTIONS[dimension](width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes, *space) of images (batch, channels, *space)."""
        check_input(images, self.channels, self.multiple, "U-Net")
        features = pad_to_multiple(images, self.multiple)
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            features = block(self.pool(features) if level else features)
            skips.append(features)
        features = skips.pop()
        for block in (*reversed(self.decoder), self.last):
            features = block(join(upsample(features), skips.pop()))
        return crop(self.classifier(features), images.shape[2:])
