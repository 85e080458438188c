"""Any network of MONAI by name, on blocks."""

from mribench.methods._monai_family import FamilyMethod, VolumeFamily


class Settings(VolumeFamily):
    """Keys of a network of MONAI on blocks."""


class Method(FamilyMethod[Settings]):
    """A network of MONAI on blocks."""
