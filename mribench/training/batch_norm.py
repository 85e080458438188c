"""Batch normalisation whose mean and variance are those of the whole batch, on all devices.

As ``torch.nn.SyncBatchNorm``, which works on GPUs only; parameters and buffers are those of the
layer that is replaced. Means and variances of the ranks are joined as in Chan, Golub and LeVeque
(The American Statistician 37, 1983), which loses no digits.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mribench.training.ranks import Ranks


class SharedBatchNorm(_BatchNorm):
    """A layer of batch normalisation that looks at the shares of all ranks.

    Parameters
    ----------
    layer
        The layer that it replaces, with its parameters and buffers.
    ranks
        The processes of the training.
    """

    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(self, layer: _BatchNorm, ranks: Ranks) -> None:
        super().__init__(
            layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats
        )
        self.load_state_dict(layer.state_dict())
        self.ranks = ranks

    def forward(self, images: Tensor) -> Tensor:
        """Normalise images (batch, channels, *space); all ranks must call it together."""
        if not self.training:
            return super().forward(images)
        mean, variance, count = self.statistics(images)
        if self.running_mean is not None:
            self.remember(mean, variance * count / (count - 1))
        scale = torch.rsqrt(variance + self.eps)
        shift = -mean * scale
        if self.affine:
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        shape = (1, -1, *[1] * (images.ndim - 2))
        return (images * scale.view(shape) + shift.view(shape)).to(images.dtype)

    def statistics(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean and variance by channel, and the number of values behind each."""
        axes = [0, *range(2, images.ndim)]
        variance, mean = torch.var_mean(images.float(), axes, correction=0)
        count = torch.full_like(mean, images.numel() / images.shape[1])
        own = torch.stack((mean, variance, count))[None]
        means, variances, counts = self.ranks.gather(own, self.ranks.size).unbind(dim=1)
        weights = counts / counts.sum(dim=0)
        mean = (weights * means).sum(dim=0)
        variance = (weights * (variances + (means - mean) ** 2)).sum(dim=0)
        return mean, variance, counts.sum(dim=0)

    @torch.no_grad()
    def remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the statistics that are used at prediction towards those of a batch."""
        self.num_batches_tracked.add_(1)
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)

    def _check_input_dim(self, images: Tensor) -> None:
        """Take any number of axes."""


def share_statistics(network: nn.Module, ranks: Ranks) -> None:
    """Replace the layers of batch normalisation of a network, which is changed."""
    for name, layer in network.named_children():
        if isinstance(layer, _BatchNorm):
            setattr(network, name, SharedBatchNorm(layer, ranks))
        else:
            share_statistics(layer, ranks)
