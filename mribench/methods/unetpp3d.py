"""U-Net++ (Zhou et al. 2019) as in "Spatially Dependent U-Nets", on blocks."""

from mribench.methods._dependency_family import FamilyMethod, VolumeFamily


class Settings(VolumeFamily):
    """Keys of U-Net++ on blocks."""


class Method(FamilyMethod[Settings]):
    """U-Net with nested, dense skips."""

    nested = True
