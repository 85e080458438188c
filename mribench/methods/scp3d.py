"""Spatially covariant pixel-aligned classifier (Zhang et al., IJCAI 2023), on blocks."""

from mribench.methods._scp_family import FamilyMethod, VolumeFamily


class Settings(VolumeFamily):
    """Keys of SCP on blocks."""


class Method(FamilyMethod[Settings]):
    """All-Net's backbone with the spatially covariant head."""

    network_name = "scp"
