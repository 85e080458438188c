"""Finding a stage's back end by the name in the configuration."""

import importlib
from types import ModuleType


def backend(stage: str, name: str) -> ModuleType:
    """Return the module ``preprocessing.backends.<stage>_<name>``."""
    return importlib.import_module(f"mribench.preprocessing.backends.{stage}_{name}")
