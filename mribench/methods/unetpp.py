"""U-Net++ (Zhou et al. 2019) as in "Spatially Dependent U-Nets", on slices."""

from mribench.methods._dependency_family import FamilyMethod, SliceFamily


class Settings(SliceFamily):
    """Keys of U-Net++ on slices."""


class Method(FamilyMethod[Settings]):
    """U-Net with nested, dense skips."""

    nested = True
