"""What the four networks of "Spatially Dependent U-Nets" share, on slices and on blocks."""

from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from pydantic import Field

from mribench import config
from mribench.methods import base

if TYPE_CHECKING:
    from mribench.networks.dependency_unets import Dependency, HalvingUNet, NestedUNet


class Family(config.Method):
    """Keys of the network."""

    width: int = Field(32, ge=1)
    """Channels of the first level, doubled at each level below."""
    levels: int = Field(5, ge=2)
    """Levels; each below the first halves the resolution. The paper has 4 for nuclei."""


class SliceFamily(base.SliceSettings, Family):
    """Keys on slices; the recipe is the paper's for polyps and liver."""

    batch_size: int = Field(16, ge=1)
    """Patches per batch."""
    learning_rate: config.Positive = 1e-4
    """Learning rate at the start."""
    weight_decay: float = Field(0.0, ge=0)
    """Weight decay."""
    schedule: Literal["constant", "halving", "cosine", "poly"] = "constant"
    """How the learning rate falls: halved at the `milestones`, as a cosine, or by power 0.9."""


class VolumeFamily(base.VolumeSettings, Family):
    """Keys on blocks, where the recipe is the same."""

    learning_rate: config.Positive = 1e-4
    """Learning rate at the start."""
    weight_decay: float = Field(0.0, ge=0)
    """Weight decay."""
    schedule: Literal["constant", "halving", "cosine", "poly"] = "constant"
    """How the learning rate falls: halved at the `milestones`, as a cosine, or by power 0.9."""


class DependencyKeys(config.Method):
    """Keys of the spatial dependency layers."""

    state: int = Field(150, ge=1)
    """Channels of the state that is corrected."""
    dependency_layers: int = Field(1, ge=1)
    """Spatial dependency layers in the encoder, and again in the decoder."""
    residual: bool = True
    """Whether a layer is mixed with a convolution of its input, for steady gradients."""


class SliceDependency(SliceFamily, DependencyKeys):
    """Keys of a network with spatial dependency layers on slices."""

    directions: int = Field(2, ge=1, le=4)
    """Sweeps of a layer: forward along the last axis, the one before, then backward."""


class VolumeDependency(VolumeFamily, DependencyKeys):
    """Keys of a network with spatial dependency layers on blocks."""

    directions: int = Field(3, ge=1, le=6)
    """Sweeps of a layer: forward along the last axis, those before, then backward."""


AnyFamily = TypeVar("AnyFamily", bound=SliceFamily | VolumeFamily)


class FamilyMethod(base.NetworkMethod[AnyFamily]):
    """One of the networks; a method's file says whether it is the nested one."""

    nested: ClassVar[bool]

    def build_network(self) -> "HalvingUNet | NestedUNet":
        """Return the network with fresh weights."""
        from mribench.networks.dependency_unets import HalvingUNet, NestedUNet

        settings = self.settings
        build = NestedUNet if self.nested else HalvingUNet
        return build(
            settings.dimension,
            len(self.channels),
            len(self.classes),
            settings.width,
            settings.levels,
            self.dependency(),
        )

    def dependency(self) -> "Dependency | None":
        """Return the spatial dependency layers of the settings, if they have any."""
        from mribench.networks.dependency_unets import Dependency

        settings = self.settings
        if not isinstance(settings, SliceDependency | VolumeDependency):
            return None
        return Dependency(
            settings.dependency_layers, settings.state, settings.directions, settings.residual
        )
