"""SDNU-Net (Carvalho et al., MIDL 2021): a U-Net++ with spatial dependency layers, on slices."""

from mribench.methods._dependency_family import FamilyMethod, SliceDependency


class Settings(SliceDependency):
    """Keys of SDNU-Net on slices."""


class Method(FamilyMethod[Settings]):
    """U-Net++ whose deeper scales sweep over the whole slice."""

    nested = True
