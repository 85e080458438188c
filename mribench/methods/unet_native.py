"""The baseline of the resolution paper (Diaz et al.): a 3D U-Net on images as they are."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mribench.methods import base
from mribench.methods._resolution_recipe import Recipe

if TYPE_CHECKING:
    from mribench.networks.unet import UNet


class Settings(Recipe):
    """Keys of the baseline; give it a variant whose grid has the spacing `native`."""

    width: int = Field(30, ge=1)
    """Channels of the first level, doubled at each level below."""
    kernel_size: Literal[1, 3, 5, 7, 9] = 5
    """Voxels of a kernel along each axis."""


class Method(base.NetworkMethod[Settings]):
    """3D U-Net with kernels of five voxels, whatever the voxel size."""

    def build_network(self) -> "UNet":
        """Return the network with fresh weights."""
        from mribench.networks.unet import UNet

        width, levels, size = self.settings.width, self.settings.levels, self.settings.kernel_size
        return UNet(3, len(self.channels), len(self.classes), width, levels, "instance", size)
