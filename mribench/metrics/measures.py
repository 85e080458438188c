"""What can be measured of two masks, as data: one model per family of measures."""

from typing import Annotated, Literal

from pydantic import Field

from mribench.config import Model, Positive


class Overlap(Model):
    """Voxel counts: TP, FP and FN."""

    kind: Literal["dice", "jaccard", "precision", "recall"]
    """Which share of them."""


class NormalisedDice(Model):
    """Dice with FP scaled as if every case had the same lesion load (Raina et al., 2023)."""

    kind: Literal["normalised_dice"]
    """Name of the measure."""
    load: float = Field(gt=0, lt=1)
    """The load that all cases are brought to, as a share of the image."""


class Hausdorff(Model):
    """A percentile of the distances between borders in mm (numpy's linear interpolation)."""

    kind: Literal["hausdorff"]
    """Name of the measure."""
    percentile: float = Field(gt=0, le=100)
    """100 is the Hausdorff distance itself."""
    directions: Literal["larger", "pooled"]
    """The larger of the two directed percentiles, or that of both sets of distances together."""


class SurfaceDistance(Model):
    """The mean distance between borders in mm."""

    kind: Literal["surface_distance"]
    """Name of the measure."""
    directions: Literal["averaged", "pooled"]
    """Average of the two directed means, or the mean of both sets of distances together."""


class SurfaceDice(Model):
    """Share of both borders that lies within a tolerance of the other border."""

    kind: Literal["surface_dice"]
    """Name of the measure."""
    tolerance_mm: float = Field(ge=0)
    """Distance that still counts as the same place."""


class VolumeDifference(Model):
    """Predicted minus reference volume."""

    kind: Literal["volume_difference"]
    """Name of the measure."""
    form: Literal["absolute", "signed"]
    """With or without its sign."""
    unit: Literal["percent", "ml"]
    """In percent of the reference volume, or in ml."""


class VolumeRatio(Model):
    """Natural logarithm of predicted over reference volume."""

    kind: Literal["log_volume_ratio"]
    """Name of the measure."""
    form: Literal["absolute", "signed"]
    """With or without its sign."""


class Detection(Model):
    """Share of the lesions found, or of the predicted lesions that are none."""

    kind: Literal["lesion_recall", "lesion_precision", "lesion_false_rate"]
    """Lesions of the reference that were found; predicted lesions that are in the reference, or
    that are not."""
    hits: Literal["own", "reference"] = "own"
    """The hits of `lesion_precision`: predicted lesions, or as in some papers the reference's
    lesions that were found, which can be more than there are predicted lesions."""


class DetectionF1(Model):
    """Lesion recall and precision in one number."""

    kind: Literal["lesion_f1"]
    """Name of the measure."""
    form: Literal["harmonic", "reference_counts", "prediction_counts", "dice"]
    """Harmonic mean of recall and precision; 2 TP / (2 TP + FP + FN) with TP counted among the
    lesions of the reference or of the prediction; or 2 TP over the lesions of both masks with TP
    among the reference's (lesion Dice)."""


class Panoptic(Model):
    """Quality of one-to-one pairs of lesions (Kirillov et al., CVPR 2019)."""

    kind: Literal["segmentation_quality", "recognition_quality", "panoptic_quality"]
    """Mean intersection over union of the pairs; F1 of the pairing; the product of both."""


class LesionwiseDice(Model):
    """Mean over lesions of Dice with their counterparts; a false lesion counts 0 (BraTS 2023)."""

    kind: Literal["lesionwise_dice"]
    """Name of the measure."""


class LesionwiseHausdorff(Model):
    """Mean over lesions of the larger directed percentile of border distances (BraTS 2023)."""

    kind: Literal["lesionwise_hausdorff"]
    """Name of the measure."""
    percentile: float = Field(gt=0, le=100)
    """100 is the Hausdorff distance itself."""
    worst_mm: Positive
    """What a missed and what a false lesion counts."""


class CalibrationError(Model):
    """Expected calibration error of the label's probability over all voxels of the image."""

    kind: Literal["calibration_error"]
    """Name of the measure."""
    bins: int = Field(ge=2)
    """Equal bins of probability from 0 to 1; each holds its upper edge."""


class Brier(Model):
    """Mean squared difference of probability and truth over all voxels of the image."""

    kind: Literal["brier"]
    """Name of the measure."""


class Retention(Model):
    """Area under the curve of normalised Dice against the share of voxels kept.

    The voxels with the least certain probabilities are replaced by the truth, step by step.
    """

    kind: Literal["retention"]
    """Name of the measure."""
    load: float = Field(gt=0, lt=1)
    """The load of the normalised Dice."""
    steps: int = Field(200, ge=2)
    """Points of the curve, at log(1..steps) / log(steps)."""


Measure = Annotated[
    Overlap
    | NormalisedDice
    | Hausdorff
    | SurfaceDistance
    | SurfaceDice
    | VolumeDifference
    | VolumeRatio
    | Detection
    | DetectionF1
    | Panoptic
    | LesionwiseDice
    | LesionwiseHausdorff
    | CalibrationError
    | Brier
    | Retention,
    Field(discriminator="kind"),
]
BORDER_KINDS = ("hausdorff", "surface_distance", "surface_dice")
SURFACE_KINDS = (*BORDER_KINDS, "lesionwise_hausdorff")
PANOPTIC_KINDS = ("segmentation_quality", "recognition_quality", "panoptic_quality")
LESION_KINDS = (
    "lesion_recall",
    "lesion_precision",
    "lesion_false_rate",
    "lesion_f1",
    *PANOPTIC_KINDS,
    "lesionwise_dice",
    "lesionwise_hausdorff",
)
PROBABILITY_KINDS = ("calibration_error", "brier", "retention")
