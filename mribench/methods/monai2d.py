"""Any network of MONAI by name, on slices."""

from mribench.methods._monai_family import FamilyMethod, SliceFamily


class Settings(SliceFamily):
    """Keys of a network of MONAI on slices."""


class Method(FamilyMethod[Settings]):
    """A network of MONAI on slices."""
