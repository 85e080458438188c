"""The spatially covariant pixel-aligned classifier and its backbone.

Zhang, Zhang, Wang et al., "Spatially Covariant Lesion Segmentation", IJCAI 2023,
equations 5, 12 and 13. No code of the authors is public, and the paper draws the
backbone (that of All-Net) without its channel counts. Decisions taken here:

Backbone
    Found by a search over encoder-decoders with widths N_c/16 … N_c (convolutions a
    level, pooling or strided convolutions, up-sampling with no, a 1x1, a 3x3 or a
    transposed convolution, further convolutions before the classifier), for the
    absolute costs that the ratios of the paper's Table 1 imply at input 3 x 160 x 224.
    Chosen: 3x3 convolutions only; two at full resolution; at each level below a
    strided one that keeps the channels and one that doubles them (one more at the
    deepest level); upwards, voxels are repeated, the skip is concatenated and two
    convolutions follow.

    Weights count once; "with" adds what counters of that time also count per element:
    two operations for a normalisation, one for a ReLU or a bias.

    ========  =================  =====================  ==============
    network   parameters, M      multiply-adds, G       with
    ========  =================  =====================  ==============
    Base 128  0.492 (0.49)       0.442 (0.45, -1.9 %)   0.448 (-0.5 %)
    Base 256  1.966 (1.97)       1.750 (1.78, -1.7 %)   1.763 (-1.0 %)
    Base 512  7.859 (7.87)       6.968 (7.07, -1.4 %)   6.993 (-1.1 %)
    SCP 128   0.497 (0.50)       0.616 (0.64, -3.8 %)   0.632 (-1.3 %)
    SCP 256   1.986 (1.99)       2.429 (2.48, -2.1 %)   2.461 (-0.8 %)
    SCP 512   7.934 (7.95)       9.648 (9.79, -1.5 %)   9.711 (-0.8 %)
    ========  =================  =====================  ==============

    Batch normalisation and ReLU follow each convolution; the convolutions have no bias.
    Only the last one goes without ReLU: equation 6 takes the features as Gaussian, and
    a head without bias gives no positive logit where all rectified features are 0.
Head
    X has C = N_c/16 channels. The function Φ has hidden width N_c/2 in both layers, the
    only round numbers with which the head costs what the table says; its convolutions
    have biases, the residual convolution w_r has none.
Base F, Base B
    Four further channels of the first, or of the last, 3x3 convolution: the position code
    scaled as for the head. 4 x 9 x C more weights are what the table's ratios leave room for.
Three dimensions
    An extension: all convolutions get a third axis, the position code six distances.
Position code
    (i, j, H - i, W - j) are divided by (H, W, H, W), so that all inputs of Φ lie in
    [0, 1] whatever the image size. H and W are the size of the whole slice, also where
    the network sees a patch of it: a voxel has one code, and patches carry their place.
    Voxels that padding adds beyond the slice continue the same lines.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from mribench.networks.blocks import (
    CONVOLUTIONS,
    Dimension,
    check_input,
    convolution,
    convolutions,
    crop,
    join,
    pad_to_multiple,
    upsample,
)

LEVELS = 5
MULTIPLE = 2 ** (LEVELS - 1)


class Backbone(nn.Module):
    """Encoder-decoder that turns images into N_c/16 features per pixel.

    Parameters
    ----------
    dimension
        2 for slices, 3 for volumes.
    channels
        Contrasts of the input.
    n_c
        Channels of the deepest level, a multiple of 16.
    extra_first, extra_last
        Further channels of the first and of the last convolution, for coordinates.
    """

    def __init__(
        self,
        dimension: Dimension,
        channels: int,
        n_c: int,
        extra_first: int = 0,
        extra_last: int = 0,
    ) -> None:
        super().__init__()
        self.channels = channels + extra_first
        widths = [n_c // 2**level for level in reversed(range(LEVELS))]
        self.stem = convolutions(dimension, self.channels, widths[0], "batch")
        self.down = nn.ModuleList(
            nn.Sequential(
                convolution(dimension, above, above, "batch", stride=2),
                convolutions(dimension, above, here, "batch", count=2 if here == n_c else 1),
            )
            for above, here in pairwise(widths)
        )
        self.up = nn.ModuleList(
            convolutions(dimension, below + here, here, "batch")
            for here, below in pairwise(widths[1:])
        )
        inputs = widths[0] + extra_last
        self.last = nn.ModuleList(
            (
                convolution(dimension, widths[1] + widths[0], widths[0], "batch"),
                convolution(dimension, inputs, widths[0], "batch", rectify=False),
            )
        )

    def forward(self, images: Tensor, *coordinates: Tensor) -> Tensor:
        """Return features (batch, N_c/16, *space) of images (batch, channels, *space).

        Each axis may have any number of at least 16 voxels: the input is padded with zeros
        to multiples of 16 and the features are cropped back. `coordinates` are what the
        last convolution sees besides.
        """
        check_input(images, self.channels, MULTIPLE, "SCP backbone")
        skips = [self.stem(pad_to_multiple(images, MULTIPLE))]
        for block in self.down:
            skips.append(block(skips[-1]))
        features = skips.pop()
        for block in (*reversed(self.up), self.last[0]):
            features = block(join(upsample(features), skips.pop()))
        padded = (pad_to_multiple(code, MULTIPLE) for code in coordinates)
        features = self.last[1](torch.cat((features, *padded), dim=1))
        return crop(features, images.shape[2:])


def position_code(origins: Tensor, sizes: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the scaled distances of equation 5 for a batch of patches.

    Parameters
    ----------
    origins
        First voxel of each patch in its image (batch, axes); negative where padding precedes it.
    sizes
        Extent of each whole image (batch, axes): H and W for slices.
    shape
        Voxels of the patches along these axes.

    Returns
    -------
    Tensor (batch, 2 * axes, *shape); for slices i/H, j/W, (H-i)/H, (W-j)/W.
    """
    shares = []
    for axis, length in enumerate(shape):
        steps = torch.arange(length, device=origins.device)
        share = (origins[:, axis, None] + steps) / sizes[:, axis, None]
        view = [-1, *(length if other == axis else 1 for other in range(len(shape)))]
        shares.append(share.view(view).expand(-1, *shape))
    return torch.stack([*shares, *(1 - share for share in shares)], dim=1)


def same_place(origins: Tensor, sizes: Tensor) -> bool:
    """Say whether all patches lie at one place of equally large images: whole slices, mostly.

    Their position code, and the weights that Φ makes of it, are then made once for the batch.
    """
    if origins.is_meta:
        return len(origins) == 1
    return bool((origins == origins[:1]).all() and (sizes == sizes[:1]).all())


class SpatiallyCovariantHead(nn.Module):
    """Logits with a weight vector of their own at each position (equations 12 and 13).

    Parameters
    ----------
    dimension
        2 for slices, 3 for volumes.
    features
        C, the channels of the feature map.
    classes
        N, the number of logits per voxel.
    hidden
        Width of both hidden layers of Φ.
    """

    def __init__(self, dimension: Dimension, features: int, classes: int, hidden: int) -> None:
        super().__init__()
        layer = CONVOLUTIONS[dimension]
        self.classes = classes
        self.phi = nn.Sequential(
            layer(2 * dimension, hidden, 1),
            nn.ReLU(inplace=True),
            layer(hidden, hidden, 1),
            nn.ReLU(inplace=True),
            layer(hidden, classes * features, 1),
        )
        self.residual = layer(features, classes, 1, bias=False)

    def weights(self, positions: Tensor) -> Tensor:
        """Return W (batch, N, C, *space) = Φ(S) of position codes S (batch, 2 * axes, *space)."""
        return self.phi(positions).unflatten(1, (self.classes, -1))

    def forward(self, features: Tensor, positions: Tensor) -> Tensor:
        """Return logits (batch, N, *space): W applied to the features, plus the residual."""
        covariant = (self.weights(positions) * features[:, None]).sum(dim=2)
        return covariant + self.residual(features)


class PlacedNetwork(nn.Module):
    """A network that knows where in the image its patches lie."""

    def forward(
        self, images: Tensor, origins: Tensor | None = None, sizes: Tensor | None = None
    ) -> Tensor:
        """Return logits (batch, classes, *space).

        Parameters
        ----------
        images
            Patches (batch, channels, *space).
        origins, sizes
            Place of the patches and size of their images, see :func:`position_code`;
            left out, `images` are whole images.
        """
        shape = images.shape[2:]
        if origins is None or sizes is None:
            origins = torch.zeros((1, len(shape)), device=images.device)
            sizes = torch.tensor([list(shape)], device=images.device)
        if same_place(origins, sizes):
            origins, sizes = origins[:1], sizes[:1]
        return self.place(images, position_code(origins, sizes, shape))

    def place(self, images: Tensor, positions: Tensor) -> Tensor:
        """Return the logits of images with these position codes."""
        raise NotImplementedError


class Scp(PlacedNetwork):
    """Backbone and spatially covariant head."""

    def __init__(self, dimension: Dimension, channels: int, classes: int, n_c: int) -> None:
        super().__init__()
        self.backbone = Backbone(dimension, channels, n_c)
        self.head = SpatiallyCovariantHead(dimension, n_c // 16, classes, n_c // 2)

    def place(self, images: Tensor, positions: Tensor) -> Tensor:
        """Return the logits of images with these position codes."""
        return self.head(self.backbone(images), positions)


class Base(PlacedNetwork):
    """The same backbone with one 1x1 convolution as classifier: SCP's baseline."""

    def __init__(self, dimension: Dimension, channels: int, classes: int, n_c: int) -> None:
        super().__init__()
        self.backbone = Backbone(dimension, channels, n_c)
        self.classifier = CONVOLUTIONS[dimension](n_c // 16, classes, 1)

    def place(self, images: Tensor, positions: Tensor) -> Tensor:
        """Return the logits of images; their place does not matter."""
        return self.classifier(self.backbone(images))


class BaseF(PlacedNetwork):
    """Base with coordinates as further input channels."""

    def __init__(self, dimension: Dimension, channels: int, classes: int, n_c: int) -> None:
        super().__init__()
        self.channels = channels
        self.backbone = Backbone(dimension, channels, n_c, extra_first=2 * dimension)
        self.classifier = CONVOLUTIONS[dimension](n_c // 16, classes, 1)

    def place(self, images: Tensor, positions: Tensor) -> Tensor:
        """Return the logits of images with these position codes."""
        check_input(images, self.channels, MULTIPLE, "Base F")
        code = positions.expand(len(images), *positions.shape[1:])
        return self.classifier(self.backbone(torch.cat((images, code), dim=1)))


class BaseB(PlacedNetwork):
    """Base with a coordinate convolution in place of the backbone's last convolution."""

    def __init__(self, dimension: Dimension, channels: int, classes: int, n_c: int) -> None:
        super().__init__()
        self.backbone = Backbone(dimension, channels, n_c, extra_last=2 * dimension)
        self.classifier = CONVOLUTIONS[dimension](n_c // 16, classes, 1)

    def place(self, images: Tensor, positions: Tensor) -> Tensor:
        """Return the logits of images with these position codes."""
        code = positions.expand(len(images), *positions.shape[1:])
        return self.classifier(self.backbone(images, code))


NETWORKS: dict[str, type[PlacedNetwork]] = {
    "base": Base,
    "base_f": BaseF,
    "base_b": BaseB,
    "scp": Scp,
}
