"""Base F of the SCP paper (Zhang et al., IJCAI 2023): coordinates as input channels, on slices."""

from mribench.methods._scp_family import FamilyMethod, SliceFamily


class Settings(SliceFamily):
    """Keys of Base F on slices."""


class Method(FamilyMethod[Settings]):
    """Base that reads its place as further channels of the input."""

    network_name = "base_f"
