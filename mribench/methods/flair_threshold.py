"""Baseline without a network: bright voxels of one contrast are lesions.

Three numbers are learned on the training cases of the fold by trying all of a grid:
the width of a Gaussian that smooths the z-scores, the threshold, and the smallest
component that counts. The mean Dice coefficient decides.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from mribench import config, files
from mribench.errors import TrainingError, describe
from mribench.methods import base

if TYPE_CHECKING:
    from mribench.training.job import Job
    from mribench.training.store import Case, CaseStore

IGNORE = 255
THRESHOLDS = np.arange(0.0, 6.0, 0.05)
Width = Annotated[float, Field(ge=0)]
Row = dict[str, float]


class Settings(config.Method):
    """Keys of the threshold."""

    contrast: config.Contrast = "FLAIR"
    """The contrast in which lesions are bright."""
    smoothing_mm: tuple[Width, ...] = Field((0.0, 0.5, 1.0, 1.5), min_length=1)
    """Standard deviations of the Gaussian to try, in mm; 0 does not smooth."""
    minimum_mm3: tuple[Width, ...] = Field((0.0, 5.0, 10.0, 20.0, 50.0), min_length=1)
    """Volumes of the smallest component to try, in mm3; 0 keeps all."""


class Method(base.SegmentationMethod[Settings]):
    """The learned threshold."""

    def __init__(
        self, settings: Settings, contrasts: Sequence[str], classes: Sequence[str]
    ) -> None:
        super().__init__(settings, contrasts, classes)
        if settings.contrast not in self.contrasts:
            self._refuse("contrast", ", ".join(self.contrasts), settings.contrast)
        if len(self.classes) != 1:
            self._refuse("classes", ", ".join(self.classes), "one class, which a threshold finds")
        self.channel = list(contrasts).index(settings.contrast)
        self.learned: Row = {}

    def open_case(self, store: "CaseStore", name: str) -> "Case":
        """Open a case of the store with the one contrast that is looked at."""
        return store.open(name).only([self.channel])

    def train(self, job: "Job") -> None:
        """Search the grid on the training cases."""
        from mribench.training.baseline import record_run, save_numbers
        from mribench.training.loop import open_cases

        cases = open_cases(self, job, job.training, "training")
        with record_run(job):
            rows = self.search(cases)
            self.learned = max(rows, key=lambda row: row["dice"])
            learned = {key: self.learned[key] for key in rows[0] if key != "dice"}
            files.write_table(job.run_folder / "history.csv", rows, list(rows[0]), sealed=True)
            save_numbers(job.run_folder / "model.safetensors", learned, self.description())

    def search(self, cases: Sequence["Case"]) -> list[Row]:
        """Return the mean Dice of all thresholds and widths, then of the component sizes.

        The component sizes are tried at the best threshold only.
        """
        rows: list[Row] = []
        for width in self.settings.smoothing_mm:
            scores = np.mean([dice_by_threshold(smooth(case, width), case) for case in cases], 0)
            pairs = zip(THRESHOLDS, scores, strict=True)
            rows += [_row(width, threshold, 0.0, dice) for threshold, dice in pairs]
        best = max(rows, key=lambda row: row["dice"])
        for minimum in self.settings.minimum_mm3:
            row = {**best, "minimum_mm3": minimum}
            scores = [dice(segment(case, row), np.asarray(case.labels)) for case in cases]
            rows.append({**row, "dice": float(np.mean(scores))})
        return rows

    def load(self, model: Path, device: str, threads: int) -> None:
        """Read the learned numbers; they need neither device nor threads."""
        from mribench.training.baseline import load_numbers

        self.learned = load_numbers(model)

    def predict(self, case: "Case") -> np.ndarray:
        """Return 1 for the voxels of lesions, 0 elsewhere (1, x, y, z)."""
        return segment(case, self.learned)[None].astype(np.float32)

    def cost(self) -> dict[str, Any]:
        """Return the number of learned values; a threshold takes no multiplication."""
        return {"parameters": 3, "input_shape": "1", "multiply_adds": 0}

    def _refuse(self, key: str, found: str, expected: str) -> None:
        raise TrainingError(
            describe(
                subject=self.settings.method,
                file=key,
                found=found,
                expected=expected,
                remedy="correct the entry of this method in the configuration",
            )
        )


def smooth(case: "Case", width_mm: float) -> np.ndarray:
    """Return the z-scores (x, y, z) of the only contrast, smoothed; lowest outside the brain."""
    from scipy import ndimage

    image = np.asarray(case.images[0], dtype=np.float32)
    sigma = [width_mm / size for size in case.spacing]
    smoothed = ndimage.gaussian_filter(image, sigma) if width_mm else image
    return np.where(np.asarray(case.mask) > 0, smoothed, -np.inf)


def dice_by_threshold(image: np.ndarray, case: "Case") -> np.ndarray:
    """Return the Dice coefficient of ``image >= threshold`` for all `THRESHOLDS`."""
    labels = np.asarray(case.labels)
    positive, negative = np.sort(image[labels == 1]), np.sort(image[labels == 0])
    hits = len(positive) - np.searchsorted(positive, THRESHOLDS)
    false = len(negative) - np.searchsorted(negative, THRESHOLDS)
    total = hits + false + len(positive)
    return np.divide(2 * hits, total, out=np.ones(len(total)), where=total > 0)


def segment(case: "Case", learned: Row) -> np.ndarray:
    """Return the bright voxels (x, y, z) in components that are large enough (26 neighbours)."""
    from scipy import ndimage

    bright = smooth(case, learned["smoothing_mm"]) >= learned["threshold"]
    if learned["minimum_mm3"] == 0:
        return bright
    components, _ = ndimage.label(bright, np.ones((3, 3, 3)))
    sizes = np.bincount(components.ravel()) * float(np.prod(case.spacing))
    large = sizes >= learned["minimum_mm3"]
    large[0] = False
    return large[components]


def dice(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Return the Dice coefficient of class 1; 1 where both are empty; 255 does not count."""
    found = predicted & (labels != IGNORE)
    total = int(found.sum()) + int((labels == 1).sum())
    return 2 * int((found & (labels == 1)).sum()) / total if total else 1.0


def _row(width: float, threshold: float, minimum: float, score: float) -> Row:
    return {
        "smoothing_mm": width,
        "threshold": round(float(threshold), 4),
        "minimum_mm3": minimum,
        "dice": float(score),
    }
