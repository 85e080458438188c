"""Scoring the predictions of one run against the reference labels of its data set."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench.config import Label, Model, Name, Positive
from mribench.dataset.geometry import require_same_grid
from mribench.errors import DataError, describe
from mribench.files import checksum, read_json
from mribench.metrics.conventions import Preset, load_preset
from mribench.metrics.label_maps import LabelMap, read_labels, read_probabilities, require_values
from mribench.metrics.score import compare_case, require_scorable, score_label
from mribench.metrics.sizes import size_rows, volume_row

AGAIN = "predict the run again (predict_cases)"
LABELS_AGAIN = "check the label file, then index the data set again"
logger = logging.getLogger("mribench")


class Run(NamedTuple):
    """A method, trained on one fold with one seed."""

    method: str
    fold: int
    seed: int

    def __str__(self) -> str:
        return f"{self.method}, fold {self.fold}, seed {self.seed}"


class Scoring(Model):
    """What decides a score besides the voxels."""

    preset: Name = "wmh2017"
    """Named set of metric conventions."""
    label: Label = Label()
    """What was segmented."""
    affine_tolerance_mm: Positive = 0.01
    """Largest distance between where two affines put a voxel for the grids to count as one."""


class Tables(NamedTuple):
    """The rows of a run's tables (see :mod:`mribench.metrics.columns`)."""

    metrics: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    lesion_sizes: list[dict[str, Any]]


def score_run(
    listing: Path,
    run: Run,
    truths: Mapping[str, Mapping[str, str]],
    root: Path,
    scoring: Scoring,
) -> Tables:
    """Score all predictions of a run.

    Parameters
    ----------
    listing
        ``predictions.json``: path (beside the listing) and checksum per case, and the same of
        its probabilities where the run kept them. A prediction holds k where the k-th label
        of the configuration was found.
    run
        What the rows are marked with.
    truths
        The row of scans.tsv of each test case of the run's fold.
    root
        The BIDS data set that the paths of the labels start from.
    scoring
        Preset, labels and tolerance.

    Returns
    -------
    Rows of the run's tables, sorted by case, then in the order of labels and preset.

    Raises
    ------
    ConfigError
        If the preset cannot score the labels.
    DataError
        If predictions are missing, superfluous or changed, or hold anything but the
        study's labels on the grid of the reference. All cases are looked at first, and every
        one that cannot be scored is named: none is left out but those whose preprocessing
        failed, which the listing says.
    """
    predictions = read_json(listing)
    require_same_cases(predictions, truths, str(run), listing)
    scored = [case for case in sorted(truths) if "failed" not in predictions[case]]
    preset, label = load_preset(scoring.preset), scoring.label
    require_scorable(preset, label.values, label.ignore)

    def score(case: str) -> Tables:
        reference = read_reference(root / truths[case]["labels"], case, preset, scoring)
        labels, probabilities = _read_prediction(
            listing.parent, predictions[case], case, reference, preset, scoring
        )
        truth = truths[case]
        keys = {**run._asdict(), "case": case, "subject": truth["subject"], "site": truth["site"]}
        return score_labels(reference, labels, keys, preset, label, probabilities)

    tables = score_all(score, scored, str(run))
    logger.info("%s: %d cases scored under preset %s", run, len(scored), preset.name)
    return tables


def score_all(score: Callable[[str], Tables], cases: Sequence[str], subject: str) -> Tables:
    """Score every case, and name all that cannot be scored at once.

    Raises
    ------
    DataError
        One line per case that cannot be scored, under their count.
    """
    tables, problems = Tables([], [], []), []
    for case in cases:
        try:
            for rows, more in zip(tables, score(case), strict=True):
                rows += more
        except DataError as error:
            problems.append(error)
    if problems and len(cases) == 1:
        raise problems[0]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise common_kind(problems)(
            f"{subject}: {len(problems)} of {len(cases)} cases cannot be scored, "
            f"so none is:\n{lines}"
        )
    return tables


def common_kind(problems: Sequence[DataError]) -> type[DataError]:
    """Return the class of the errors where all have one, else the general one."""
    kinds = {type(problem) for problem in problems}
    return kinds.pop() if len(kinds) == 1 else DataError


def read_reference(path: Path, case: str, preset: Preset, scoring: Scoring) -> LabelMap:
    """Read a reference label map and check its values."""
    label = scoring.label
    reference = read_labels(path, case, LABELS_AGAIN)
    known = {0, *label.values.values(), *label.ignore, *preset.ignore}
    require_values(reference, known, case, path, LABELS_AGAIN)
    return reference


def _read_prediction(
    folder: Path,
    entry: Mapping[str, Any],
    case: str,
    reference: LabelMap,
    preset: Preset,
    scoring: Scoring,
) -> tuple[np.ndarray, dict[str, np.ndarray] | None]:
    """Return the labels, in the values of the reference, and the probabilities of a prediction."""
    path, values = folder / entry["path"], scoring.label.values
    require_unchanged(path, entry["checksum"], case)
    prediction = read_labels(path, case, AGAIN)
    require_values(prediction, range(len(values) + 1), case, path, AGAIN)
    require_same_grid(
        reference.grid,
        prediction.grid,
        subject=case,
        file=path,
        tolerance_mm=scoring.affine_tolerance_mm,
    )
    codes = np.array([0, *values.values()], np.uint8)
    kept = entry.get("probabilities")
    if not preset.needs_probabilities or not kept:
        return codes[prediction.values], None
    path = folder / kept["path"]
    require_unchanged(path, kept["checksum"], case)
    return codes[prediction.values], read_probabilities(path, case, values, AGAIN)


def score_labels(
    reference: LabelMap,
    prediction: np.ndarray,
    keys: Mapping[str, Any],
    preset: Preset,
    label: Label,
    probabilities: Mapping[str, np.ndarray] | None = None,
) -> Tables:
    """Score one prediction on the grid of its reference.

    Parameters
    ----------
    reference
        The reference label map.
    prediction
        Label map (x, y, z) with the same voxel value for the same label.
    keys
        Columns that say whose rows these are.
    preset, label, probabilities
        As in :func:`mribench.metrics.score.score_case`.
    """
    spacing = np.linalg.norm(reference.grid.affine[:3, :3], axis=0)
    comparisons = compare_case(
        reference.values, prediction, spacing, preset, label.values, label.ignore, probabilities
    )
    tables = Tables([], [], [])
    for name, made in comparisons.items():
        marked = {**keys, "label": name, "preset": preset.name}
        tables.metrics.extend(marked | score._asdict() for score in score_label(name, made))
        tables.volumes.append(marked | volume_row(made.masks))
        if preset.lesions:
            tables.lesion_sizes.extend(
                marked | row for row in size_rows(made.found, preset.lesions, made.masks.voxel_mm3)
            )
    return tables


def require_same_cases(
    predictions: Mapping[str, object],
    truths: Mapping[str, object],
    subject: str,
    listing: Path,
    remedy: str = AGAIN,
) -> None:
    """Raise where a test case has no prediction, or a prediction belongs to no test case."""
    missing, extra = sorted(truths.keys() - predictions), sorted(predictions.keys() - truths)
    if missing or extra:
        parts = [
            (f"no prediction of {', '.join(missing)} ({len(missing)} of {len(truths)})", missing),
            (f"predictions of other cases: {', '.join(extra)} ({len(extra)})", extra),
        ]
        raise DataError(
            describe(
                subject=subject,
                file=listing,
                found="; ".join(text for text, cases in parts if cases),
                expected=f"one prediction for each of the {len(truths)} cases",
                remedy=remedy,
            )
        )


def require_unchanged(path: Path, expected: str, case: str) -> None:
    """Raise where a file is missing or is not the one whose checksum was noted."""
    found = checksum(path) if path.exists() else None
    if found != expected:
        raise DataError(
            describe(
                subject=case,
                file=path,
                found="no such file" if found is None else f"a file with SHA-256 {found[:12]}…",
                expected=f"the prediction as it was made (SHA-256 {expected[:12]}…)",
                remedy=AGAIN,
            )
        )
