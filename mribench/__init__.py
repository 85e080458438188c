"""mribench: reproducible tournaments of brain-MRI methods."""

__version__ = "0.1.0"
