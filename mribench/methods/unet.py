"""U-Net of "Spatially Dependent U-Nets" (Carvalho et al., MIDL 2021) on slices."""

from mribench.methods._dependency_family import FamilyMethod, SliceFamily


class Settings(SliceFamily):
    """Keys of the U-Net on slices."""


class Method(FamilyMethod[Settings]):
    """U-Net that halves the channels on the way up by a 1x1 convolution."""

    nested = False
