"""Intensity normalisation: one model per method, so that a key that it does not read is refused."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from mribench.config.base import Model, Positive

Percent = Annotated[float, Field(ge=0, le=100)]
DECILES = tuple(float(percent) for percent in range(10, 100, 10))


class ZScore(Model):
    """Mean 0 and standard deviation 1 inside the brain mask."""

    method: Literal["zscore"]
    """Standard score over the brain."""


class WhiteMatter(Model):
    """Mean 0 and standard deviation 1 inside the white matter of the tissue map."""

    method: Literal["whitematter"]
    """Standard score over the white matter."""


class Percentile(Model):
    """0 at a low percentile of the brain, 1 at a high one; what lies beyond is clipped."""

    method: Literal["percentile"]
    """Two percentiles."""
    low: Percent = 0.5
    """Percentile that becomes 0."""
    high: Percent = 99.5
    """Percentile that becomes 1."""

    @model_validator(mode="after")
    def _in_order(self) -> "Percentile":
        require_order(self.low, self.high)
        return self


class Mean(Model):
    """Values divided by the mean of the brain."""

    method: Literal["mean"]
    """The mean becomes 1."""


class MinMax(Model):
    """0 at the smallest value of the brain, 1 at the largest."""

    method: Literal["minmax"]
    """Range."""


class Quantiles(Model):
    """The share of the brain that is darker: all values from 0 to 1 are equally frequent."""

    method: Literal["quantiles"]
    """Uniform quantiles."""


class Window(Model):
    """0 at the lower edge of a window of the raw values, 1 at the upper; for CT."""

    method: Literal["window"]
    """Window of fixed values, in Hounsfield units for CT."""
    centre: float = 40.0
    """Value that becomes 0.5."""
    width: Positive = 80.0
    """Difference between the values that become 0 and 1."""


class Nyul(Model):
    """Landmarks of the histogram brought onto their mean over the training cases of the fold."""

    method: Literal["nyul"]
    """Piecewise linear standardisation after Nyul and Udupa."""
    low: Percent = 1.0
    """Percentile that becomes 0."""
    high: Percent = 99.0
    """Percentile that becomes 1."""
    landmarks: tuple[Percent, ...] = DECILES
    """Percentiles between the two whose places are fitted."""

    @model_validator(mode="after")
    def _in_order(self) -> "Nyul":
        require_order(self.low, *self.landmarks, self.high)
        return self


class Histogram(Model):
    """Histogram matched to the mean quantile function of the training cases of the fold."""

    method: Literal["histogram"]
    """Histogram matching."""
    levels: int = Field(257, ge=2)
    """Number of quantiles that are matched, evenly spaced from the minimum to the maximum."""


Intensity = Annotated[
    ZScore | WhiteMatter | Percentile | Mean | MinMax | Quantiles | Window | Nyul | Histogram,
    Field(discriminator="method"),
]
FITTED = ("nyul", "histogram")
"""Methods of which a part is fitted on the training cases of a fold."""


def read_intensity(entry: Any) -> Intensity:
    """Return the model of an entry ``intensity``; an empty one means z-scores."""
    adapter: TypeAdapter[Intensity] = TypeAdapter(Intensity)
    return adapter.validate_python(entry or {"method": "zscore"})


def require_order(*percents: float) -> None:
    """Raise where percentiles do not grow.

    Raises
    ------
    ValueError
        Names them.
    """
    if list(percents) != sorted(set(percents)):
        listing = ", ".join(f"{percent:g}" for percent in percents)
        raise ValueError(f"low: the percentiles must grow, found {listing}")
