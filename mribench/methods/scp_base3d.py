"""Base of the SCP paper (Zhang et al., IJCAI 2023): its backbone and a 1x1 convolution.

Here on blocks.
"""

from mribench.methods._scp_family import FamilyMethod, VolumeFamily


class Settings(VolumeFamily):
    """Keys of Base on blocks."""


class Method(FamilyMethod[Settings]):
    """All-Net's backbone with one classifier for all places."""

    network_name = "base"
