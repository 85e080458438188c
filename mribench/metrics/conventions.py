"""Presets: the conventions behind the names of metrics, as data.

The same two masks give an HD95 of 3 or 5 mm and a lesion F1 of 0.4 or 0.7, depending on
what counts as a border, a lesion and a hit. A preset names all of it; it is one JSON
file in ``metrics/presets``, checked here.
"""

import json
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from mribench.config import Model, Name, Positive
from mribench.errors import ConfigError
from mribench.metrics.measures import (
    LESION_KINDS,
    PANOPTIC_KINDS,
    PROBABILITY_KINDS,
    SURFACE_KINDS,
    Measure,
)
from mribench.plugins import presets, unknown
from mribench.suggestions import describe_validation

PRESETS = Path(__file__).parent / "presets"
PRESENTATION = {"title", "unit", "better", "digits"}
Outcome = float | Literal["undefined", "computed"]


class Empty(Model):
    """What a metric is where a mask is empty: a number, ``undefined``, or its own formula.

    For lesion metrics a mask is empty that holds no lesion of the preset's minimum size.
    """

    both: Outcome = "undefined"
    """Neither reference nor prediction has anything."""
    reference: Outcome = "undefined"
    """Only the prediction has something."""
    prediction: Outcome = "undefined"
    """Only the reference has something."""


class Surface(Model):
    """Which voxels of a mask are its border."""

    neighbourhood: Literal["in_plane", 6, 18, 26]
    """A border voxel has a neighbour outside the mask: among the 8 in the plane of the first two
    voxel axes, or the 6, 18 or 26 in space."""
    beyond_image: Literal["inside", "outside"] = "outside"
    """Whether what lies beyond the image counts as inside or outside the mask."""


class Regions(Model):
    """When a lesion is found by what covers most of it (MSSEG 2016).

    The counterparts are taken by the volume they share with the lesion, largest first, until
    together they hold enough of what all share with it. None of these may lie too much outside.
    """

    share: float = Field(gt=0, le=1)
    """Share of the covered part that the counterparts must hold together."""
    outside: float = Field(ge=0, le=1)
    """Largest share of a counterpart's volume that lies in no lesion of the other mask."""


class Lesions(Model):
    """What is one lesion, and when it is found."""

    connectivity: Literal[6, 18, 26]
    """Neighbours that belong to the same lesion."""
    minimum_mm3: float = Field(0.0, ge=0)
    """Smaller connected components do not count."""
    at_minimum: Literal["kept", "dropped"] = "kept"
    """What happens to components of exactly that size."""
    small: Literal["removed", "ignored"] = "removed"
    """Small components are removed from both masks; or those of the reference do not count, nor
    do predicted lesions that hit nothing else, and predicted ones of any size count."""
    merge: int = Field(0, ge=0)
    """Lesions of the reference that touch after so many dilations by the 18 neighbours are one,
    and predicted lesions that touch the dilated lesion are its counterparts."""
    hit: Literal["any", "overlap", "iou", "dice", "regions"]
    """A lesion is found by `any` shared voxel; by a share of its voxels covered by all
    counterparts together; by one counterpart with enough intersection over union, or Dice; or as
    `regions` says, where more than the threshold of it is covered."""
    threshold: float = Field(0.0, ge=0, le=1)
    """Smallest overlap of a hit."""
    regions: Regions | None = None
    """Which counterparts find a lesion, for the hit `regions`."""
    matching: Literal["many_to_one", "one_to_one"] = "many_to_one"
    """Whether a lesion may be the counterpart of several. One to one, the pairs that hit are
    taken by intersection over union, largest first."""
    size_bins_mm3: tuple[Positive, ...] = (10.0, 100.0, 1000.0)
    """Edges between the sizes that the table of lesions by size tells apart."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Lesions":
        if (self.hit == "regions") != (self.regions is not None):
            raise ValueError("regions: give it with the hit 'regions', and only there")
        if self.merge and (self.hit != "any" or self.matching != "many_to_one"):
            raise ValueError("merge: needs the hit 'any' and the matching 'many_to_one'")
        if self.matching == "one_to_one" and self.hit in ("overlap", "regions"):
            raise ValueError("matching: one_to_one needs the hit 'any', 'iou' or 'dice'")
        if list(self.size_bins_mm3) != sorted(set(self.size_bins_mm3)):
            raise ValueError("size_bins_mm3: give the edges from small to large")
        return self


class Metric(Model):
    """One number per case and label."""

    name: Name
    """Its name in the study's tidy tables."""
    title: str
    """Its name in tables and figures for people."""
    unit: str = ""
    """Unit for people; empty for shares from 0 to 1."""
    better: Literal["higher", "lower"]
    """Which way is better."""
    digits: int = Field(3, ge=0, le=6)
    """Decimals in tables for people."""
    measure: Measure
    """What is measured, and how."""
    empty: Empty = Empty()
    """What it is where a mask is empty."""

    @property
    def heading(self) -> str:
        """Title with unit, such as ``HD95 (mm)``."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


class Preset(Model):
    """A named set of conventions and the metrics under them."""

    name: Name
    """Name of the file without its suffix."""
    title: str
    """What it stands for, in words."""
    source: str
    """Where the definitions come from."""
    values: tuple[int, ...] | None = None
    """Voxel values of the labels that the conventions know; null knows any."""
    ignore: tuple[int, ...] = ()
    """Voxel values of the reference where a prediction is not scored."""
    surface: Surface | None = None
    """Borders, for the surface metrics."""
    lesions: Lesions | None = None
    """Lesions, for the lesion metrics."""
    metrics: tuple[Metric, ...] = Field(min_length=1)
    """The metrics, in the order of the tables."""

    @model_validator(mode="after")
    def _is_complete(self) -> "Preset":
        for metric in self.metrics:
            if metric.measure.kind in SURFACE_KINDS and self.surface is None:
                raise ValueError(f"surface: missing; {metric.name} needs it")
            if metric.measure.kind in LESION_KINDS and self.lesions is None:
                raise ValueError(f"lesions: missing; {metric.name} needs it")
            if metric.measure.kind in PANOPTIC_KINDS and (
                self.lesions is None or self.lesions.matching != "one_to_one"
            ):
                raise ValueError(f"lesions.matching: {metric.name} needs one_to_one")
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError("metrics: two metrics have the same name")
        return self

    @property
    def needs_probabilities(self) -> bool:
        """Whether a metric looks at probabilities besides labels."""
        return any(metric.measure.kind in PROBABILITY_KINDS for metric in self.metrics)

    def metric(self, name: str) -> Metric:
        """Return the metric called `name`."""
        return next(metric for metric in self.metrics if metric.name == name)


@cache
def load_preset(name: str) -> Preset:
    """Read and check a preset.

    Parameters
    ----------
    name
        Name of a file in ``metrics/presets``, without suffix.

    Raises
    ------
    ConfigError
        If there is no such preset, or its file is wrong; one line per problem.
    """
    if name not in presets():
        raise ConfigError(unknown("preset", name, presets()))
    text = (PRESETS / f"{name}.json").read_text(encoding="utf-8")
    return check_preset(name, text)


def check_preset(name: str, text: str) -> Preset:
    """Return the preset that a file called ``<name>.json`` with content `text` describes.

    Raises
    ------
    ConfigError
        One line per problem.
    """
    try:
        preset = Preset.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise ConfigError(f"presets.{name}: no valid JSON: {error}") from error
    except ValidationError as error:
        raise ConfigError(
            "\n".join(describe_validation(error, Preset, f"presets.{name}"))
        ) from error
    if preset.name != name:
        raise ConfigError(f"presets.{name}.name: found {preset.name!r}; expected the file's name")
    return preset


def scoring_conventions(name: str) -> dict[str, object]:
    """Return what a preset says about scoring: all but how its numbers are shown."""
    metrics = {"__all__": PRESENTATION}
    return load_preset(name).model_dump(
        mode="json", exclude={"title": True, "source": True, "metrics": metrics}
    )
