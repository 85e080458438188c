"""The study's configuration: typed models that refuse unknown keys.

These models are the one source: ``config.schema.json`` and ``docs/configuration.md``
are written from them (``python -m mribench.schema``), and a test keeps the commented
``config.yaml`` in step.
"""

from mribench.config.base import FILLED, Contrast, Model, Name, Positive
from mribench.config.dataset import Dataset, Given, GivenTissues, Label, Phantoms, Site
from mribench.config.intensity import (
    FITTED,
    Histogram,
    Intensity,
    Mean,
    MinMax,
    Nyul,
    Percentile,
    Quantiles,
    WhiteMatter,
    Window,
    ZScore,
    read_intensity,
)
from mribench.config.study import (
    Evaluation,
    Method,
    Protocol,
    Publish,
    Split,
    Study,
    load_study,
    require_plain,
)
from mribench.config.variants import (
    Backend,
    Bias,
    Grid,
    LinearTransform,
    Register,
    Strip,
    Template,
    Tissues,
    Variant,
)

__all__ = [
    "FILLED",
    "FITTED",
    "Backend",
    "Bias",
    "Contrast",
    "Dataset",
    "Evaluation",
    "Given",
    "GivenTissues",
    "Grid",
    "Histogram",
    "Intensity",
    "Label",
    "LinearTransform",
    "Mean",
    "Method",
    "MinMax",
    "Model",
    "Name",
    "Nyul",
    "Percentile",
    "Phantoms",
    "Positive",
    "Protocol",
    "Publish",
    "Quantiles",
    "Register",
    "Site",
    "Split",
    "Strip",
    "Study",
    "Template",
    "Tissues",
    "Variant",
    "WhiteMatter",
    "Window",
    "ZScore",
    "load_study",
    "read_intensity",
    "require_plain",
]
