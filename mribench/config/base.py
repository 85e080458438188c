"""What all configuration models share: strict, frozen, documented keys."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$")]
Contrast = Annotated[str, Field(pattern=r"^(ce-[A-Za-z0-9]+_)?(T1w|T2w|FLAIR|PDw|CT)$")]
Positive = Annotated[float, Field(gt=0)]
FILLED = "{}<>"
"""Characters that no path of a data set may hold: Snakemake fills in names between them."""


class Model(BaseModel):
    """Base of all configuration models: frozen, unknown keys refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
