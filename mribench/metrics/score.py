"""Scoring one case: all metrics of a preset for all labels."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from mribench.errors import ConfigError
from mribench.metrics import calibration, lesions, lesionwise, overlap, surface, volume
from mribench.metrics.conventions import Lesions, Metric, Preset
from mribench.metrics.masks import Masks, label_masks
from mribench.metrics.measures import BORDER_KINDS, LESION_KINDS, PROBABILITY_KINDS
from mribench.plugins import label_problem
from mribench.rounding import significant

EMPTY_NOTES = {
    (True, True): "both empty",
    (True, False): "reference empty",
    (False, True): "prediction empty",
}


class Score(NamedTuple):
    """One metric of one label: `value` is None where undefined, and `note` says why."""

    label: str
    metric: str
    value: float | None
    note: str


class Comparison:
    """Two masks under a preset; what several metrics need is computed once."""

    def __init__(
        self, masks: Masks, preset: Preset, confidence: calibration.Confidence | None = None
    ) -> None:
        self.masks = masks
        self.preset = preset
        self.confidence = confidence

    @cached_property
    def distances(self) -> surface.Distances:
        """Distances between the two borders in mm."""
        assert self.preset.surface is not None
        masks = self.masks
        return surface.border_distances(
            masks.reference, masks.prediction, masks.spacing, self.preset.surface
        )

    @property
    def rule(self) -> Lesions:
        """What is one lesion."""
        assert self.preset.lesions is not None
        return self.preset.lesions

    @cached_property
    def maps(self) -> lesions.LesionMaps:
        """The numbered lesions of both masks."""
        masks = self.masks
        return lesions.map_lesions(masks.reference, masks.prediction, self.rule, masks.voxel_mm3)

    @cached_property
    def found(self) -> lesions.Found:
        """The lesions of both masks, and which were found."""
        masks = self.masks
        shared = masks.reference & masks.prediction
        return lesions.match_lesions(
            self.maps, shared, masks.prediction, self.rule, masks.voxel_mm3
        )

    @cached_property
    def counterparts(self) -> lesionwise.Counterparts:
        """The lesions of the reference, each with the predicted lesions that meet it."""
        return lesionwise.find_counterparts(self.masks, self.maps, self.rule)

    def empty(self, metric: Metric) -> tuple[bool, bool]:
        """Say whether reference and prediction hold nothing that `metric` looks at."""
        if metric.measure.kind in PROBABILITY_KINDS:
            return False, False
        if metric.measure.kind in LESION_KINDS:
            return not self.found.reference.size, not self.found.prediction.size
        return not self.masks.reference.any(), not self.masks.prediction.any()


def _overlap(comparison: Comparison, measure: Any) -> float:
    masks = comparison.masks
    if measure.kind == "normalised_dice":
        return overlap.normalised_dice(
            masks.reference, masks.prediction, measure.load, masks.voxels
        )
    function = getattr(overlap, measure.kind)
    return float(function(masks.reference, masks.prediction))


def _volume(comparison: Comparison, measure: Any) -> float:
    masks = comparison.masks
    return volume.volume_difference(
        masks.reference, masks.prediction, masks.voxel_mm3, measure.form, measure.unit
    )


def _lesionwise_hausdorff(comparison: Comparison, measure: Any) -> float:
    assert comparison.preset.surface is not None
    return lesionwise.lesionwise_hausdorff(
        comparison.masks,
        comparison.maps,
        comparison.counterparts,
        comparison.found,
        comparison.preset.surface,
        measure.percentile,
        measure.worst_mm,
    )


def _panoptic(comparison: Comparison, measure: Any) -> float:
    return lesions.panoptic(comparison.found, measure.kind)


def _probability(comparison: Comparison, measure: Any) -> float:
    assert comparison.confidence is not None
    function = getattr(calibration, measure.kind)
    return float(function(comparison.confidence, **measure.model_dump(exclude={"kind"})))


MEASURES: dict[str, Callable[[Comparison, Any], float]] = {
    "dice": _overlap,
    "jaccard": _overlap,
    "precision": _overlap,
    "recall": _overlap,
    "normalised_dice": _overlap,
    "hausdorff": lambda comparison, measure: surface.hausdorff(
        comparison.distances, measure.percentile, measure.directions
    ),
    "surface_distance": lambda comparison, measure: surface.surface_distance(
        comparison.distances, measure.directions
    ),
    "surface_dice": lambda comparison, measure: surface.surface_dice(
        comparison.distances, measure.tolerance_mm
    ),
    "volume_difference": _volume,
    "log_volume_ratio": lambda comparison, measure: volume.log_volume_ratio(
        comparison.masks.reference, comparison.masks.prediction, measure.form
    ),
    "lesion_recall": lambda comparison, measure: lesions.lesion_recall(comparison.found),
    "lesion_precision": lambda comparison, measure: lesions.lesion_precision(
        comparison.found, measure.hits
    ),
    "lesion_false_rate": lambda comparison, measure: lesions.lesion_false_rate(comparison.found),
    "lesion_f1": lambda comparison, measure: lesions.lesion_f1(comparison.found, measure.form),
    "segmentation_quality": _panoptic,
    "recognition_quality": _panoptic,
    "panoptic_quality": _panoptic,
    "lesionwise_dice": lambda comparison, measure: lesionwise.lesionwise_dice(
        comparison.counterparts, comparison.found
    ),
    "lesionwise_hausdorff": _lesionwise_hausdorff,
    "calibration_error": _probability,
    "brier": _probability,
    "retention": _probability,
}


def score_case(
    reference: np.ndarray,
    prediction: np.ndarray,
    spacing: Sequence[float],
    preset: Preset,
    labels: Mapping[str, int],
    ignore: Collection[int] = (),
    probabilities: Mapping[str, np.ndarray] | None = None,
) -> list[Score]:
    """Score a predicted label map.

    Parameters
    ----------
    reference, prediction
        Label maps (x, y, z) on one grid, with the same voxel value for the same label.
    spacing
        Voxel size in mm along the three axes.
    preset
        The conventions (:func:`mribench.metrics.conventions.load_preset`).
    labels
        Voxel value of each label that is scored.
    ignore
        Voxel values of the reference where the prediction is not scored, besides those
        of the preset.
    probabilities
        Probability of each label (x, y, z), where the method gives them.

    Returns
    -------
    One score per label and metric, in the order of `labels` and of the preset. Where a
    mask is empty the preset's rule gives the value, and the note says which one it is
    (``no border`` where a mask fills the image and its edge is no border; ``no
    probabilities`` where the metric needs them).

    Raises
    ------
    ConfigError
        If a scored label is among the values to ignore, or unknown to the preset.
    """
    require_scorable(preset, labels, ignore)
    comparisons = compare_case(
        reference, prediction, spacing, preset, labels, ignore, probabilities
    )
    return [score for name, made in comparisons.items() for score in score_label(name, made)]


def compare_case(
    reference: np.ndarray,
    prediction: np.ndarray,
    spacing: Sequence[float],
    preset: Preset,
    labels: Mapping[str, int],
    ignore: Collection[int] = (),
    probabilities: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Comparison]:
    """Return the two masks of each label under a preset; arguments as :func:`score_case`."""
    ignored = {*preset.ignore, *ignore}
    comparisons = {}
    for name, value in labels.items():
        masks = label_masks(reference, prediction, spacing, value, ignored)
        confidence = None
        if preset.needs_probabilities and probabilities is not None:
            scored = ~np.isin(reference, sorted(ignored))
            confidence = calibration.Confidence(
                probabilities[name][scored], reference[scored] == value, prediction[scored] == value
            )
        comparisons[name] = Comparison(masks, preset, confidence)
    return comparisons


def require_scorable(
    preset: Preset, labels: Mapping[str, int], ignore: Collection[int] = ()
) -> None:
    """Raise where a preset ignores or does not know the voxel value of a scored label.

    Raises
    ------
    ConfigError
        Names preset, label and value.
    """
    for name, value in labels.items():
        problem = label_problem(name, value, preset.name, {*preset.ignore, *ignore}, preset.values)
        if problem:
            raise ConfigError(f"evaluation.preset: {problem}")


def score_label(label: str, comparison: Comparison) -> list[Score]:
    """Return all metrics of one label, in the order of the preset."""
    return [
        Score(label, metric.name, *score_metric(comparison, metric))
        for metric in comparison.preset.metrics
    ]


def score_metric(comparison: Comparison, metric: Metric) -> tuple[float | None, str]:
    """Return one metric's value, None where undefined, and its note."""
    note = EMPTY_NOTES.get(comparison.empty(metric), "")
    if note:
        outcome = getattr(metric.empty, note.split()[0])
        if outcome == "undefined":
            return None, note
        if outcome != "computed":
            return outcome, note
    if metric.measure.kind in BORDER_KINDS and not all(map(len, comparison.distances)):
        return None, "no border"
    if metric.measure.kind in PROBABILITY_KINDS and comparison.confidence is None:
        return None, "no probabilities"
    return significant(MEASURES[metric.measure.kind](comparison, metric.measure)), note
