"""What the four networks of the SCP paper share, on slices and on blocks."""

from typing import TYPE_CHECKING, ClassVar, TypeVar

from pydantic import Field

from mribench import config
from mribench.methods import base

if TYPE_CHECKING:
    from torch import Tensor

    from mribench.networks.scp import PlacedNetwork
    from mribench.training.patches import Batch


class Family(config.Method):
    """Keys of the network."""

    n_c: int = Field(256, ge=16, multiple_of=16)
    """Channels of the deepest level: 128, 256 or 512 in the paper."""


class SliceFamily(base.SliceSettings, Family):
    """Keys on slices; the recipe's defaults are the paper's: Adam 1e-3, halved at 50/70/90 %."""

    epochs: int = Field(90, ge=1)
    """Most epochs; each ends with a validation."""
    patch_size: tuple[base.Size, base.Size] = (160, 224)
    """Voxels of a training patch; a smaller slice is padded with zeros."""


class VolumeFamily(base.VolumeSettings, Family):
    """Keys on blocks, where the recipe is the same."""

    epochs: int = Field(90, ge=1)
    """Most epochs; each ends with a validation."""


AnyFamily = TypeVar("AnyFamily", bound=SliceFamily | VolumeFamily)


class FamilyMethod(base.NetworkMethod[AnyFamily]):
    """One of the networks; a method's file names it."""

    network_name: ClassVar[str]

    def build_network(self) -> "PlacedNetwork":
        """Return the network with fresh weights."""
        from mribench.networks.scp import NETWORKS

        settings = self.settings
        build = NETWORKS[self.network_name]
        return build(settings.dimension, len(self.channels), len(self.classes), settings.n_c)

    def logits(self, network: "PlacedNetwork", batch: "Batch") -> "Tensor":  # type: ignore[override]
        """Return the logits of a batch, telling the network where its patches lie."""
        return network(batch.images, batch.origins, batch.sizes)
