"""What MONAI's networks on slices and on blocks share."""

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field

from mribench import config
from mribench.methods import base

if TYPE_CHECKING:
    from mribench.networks.from_monai import MonaiNetwork


class Family(config.Method):
    """Keys that choose the network."""

    network: str = "SegResNet"
    """Name of a class in `monai.networks.nets`."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """What it is built with, beside the numbers of axes and channels, which are filled in."""
    divisor: int = Field(32, ge=1)
    """The input is padded with zeros to multiples of this, as most of the networks need."""


class SliceFamily(base.SliceSettings, Family):
    """Keys on slices."""


class VolumeFamily(base.VolumeSettings, Family):
    """Keys on blocks."""


AnyFamily = TypeVar("AnyFamily", bound=SliceFamily | VolumeFamily)


class FamilyMethod(base.NetworkMethod[AnyFamily]):
    """A network of MONAI."""

    def build_network(self) -> "MonaiNetwork":
        """Return the network with fresh weights."""
        from mribench.networks.from_monai import MonaiNetwork

        settings = self.settings
        return MonaiNetwork(
            settings.dimension,
            len(self.channels),
            len(self.classes),
            settings.network,
            settings.arguments,
            settings.patch_size,
            settings.divisor,
        )
