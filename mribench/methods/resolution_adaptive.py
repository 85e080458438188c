"""Resolution-adaptive 3D U-Net (Diaz et al.): one set of weights for all voxel sizes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from mribench import config
from mribench.methods import base
from mribench.methods._resolution_recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from mribench.networks.resolution_adaptive import ResolutionAdaptiveUNet
    from mribench.training.patches import Batch, Sampler
    from mribench.training.store import Case


class Settings(Recipe):
    """Keys of the network; give it a variant whose grid has the spacing `native`."""

    width: int = Field(2, ge=1)
    """Rank-2 tensors of the first level, with twice as many vectors and four times the scalars."""
    kernel_mm: config.Positive = 5.0
    """Diameter of the kernels of the first level in mm, doubled at each level below."""
    pooling_mm: config.Positive = 2.0
    """Extent of what the first pooling joins in mm, doubled at each level below."""


class Method(base.NetworkMethod[Settings]):
    """U-Net with kernels in mm, told the voxel size of each batch."""

    def build_network(self) -> "ResolutionAdaptiveUNet":
        """Return the network with fresh weights."""
        from mribench.networks.resolution_adaptive import ResolutionAdaptiveUNet

        settings = self.settings
        return ResolutionAdaptiveUNet(
            len(self.channels),
            len(self.classes),
            settings.width,
            settings.levels,
            settings.kernel_mm,
            settings.pooling_mm,
        )

    def make_sampler(self, cases: Sequence["Case"], seed: int) -> "Sampler":
        """Return a source of batches that hold one voxel size each."""
        from mribench.training.resolutions import OneResolutionSampler

        settings = self.settings
        return OneResolutionSampler(
            cases, settings.patch_size, settings.batch_size, settings.foreground, seed
        )

    def logits(self, network: "ResolutionAdaptiveUNet", batch: "Batch") -> "Tensor":  # type: ignore[override]
        """Return the logits of a batch of one voxel size."""
        return network(batch.images, batch.spacings[0].tolist())
