"""Plain 2D U-Net on slices."""

from typing import TYPE_CHECKING

from pydantic import Field

from mribench.methods import base

if TYPE_CHECKING:
    from mribench.networks.unet import UNet


class Settings(base.SliceSettings):
    """Keys of a 2D U-Net."""

    width: int = Field(32, ge=1)
    """Channels of the first level, doubled at each level below."""
    levels: int = Field(5, ge=2)
    """Levels; each below the first halves the resolution."""


class Method(base.NetworkMethod[Settings]):
    """2D U-Net with batch normalisation."""

    def build_network(self) -> "UNet":
        """Return the network with fresh weights."""
        from mribench.networks.unet import UNet

        width, levels = self.settings.width, self.settings.levels
        return UNet(2, len(self.channels), len(self.classes), width, levels, "batch")
