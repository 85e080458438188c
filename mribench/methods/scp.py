"""Spatially covariant pixel-aligned classifier (Zhang et al., IJCAI 2023), on slices."""

from mribench.methods._scp_family import FamilyMethod, SliceFamily


class Settings(SliceFamily):
    """Keys of SCP on slices."""


class Method(FamilyMethod[Settings]):
    """All-Net's backbone with the spatially covariant head."""

    network_name = "scp"
