"""Base of the SCP paper (Zhang et al., IJCAI 2023): its backbone and a 1x1 convolution.

Here on slices.
"""

from mribench.methods._scp_family import FamilyMethod, SliceFamily


class Settings(SliceFamily):
    """Keys of Base on slices."""


class Method(FamilyMethod[Settings]):
    """All-Net's backbone with one classifier for all places."""

    network_name = "base"
