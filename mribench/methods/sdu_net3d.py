"""SDU-Net (Carvalho et al., MIDL 2021) on blocks, with sweeps of planes."""

from mribench.methods._dependency_family import FamilyMethod, VolumeDependency


class Settings(VolumeDependency):
    """Keys of SDU-Net on blocks."""


class Method(FamilyMethod[Settings]):
    """3D U-Net whose deeper scales sweep over the whole block."""

    nested = False
