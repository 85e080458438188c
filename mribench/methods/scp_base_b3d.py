"""Base B of the SCP paper (Zhang et al., IJCAI 2023): a coordinate convolution at the end.

Here on blocks.
"""

from mribench.methods._scp_family import FamilyMethod, VolumeFamily


class Settings(VolumeFamily):
    """Keys of Base B on blocks."""


class Method(FamilyMethod[Settings]):
    """Base whose last convolution reads its place."""

    network_name = "base_b"
