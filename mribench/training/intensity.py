"""Intensity scales that are fitted on the training cases of a fold, and applied when read.

The store holds each case on a scale of its own. For the methods ``nyul`` and ``histogram``
the landmarks of the training cases are averaged at the start of a training; they are kept
beside the model, and every case (training, validation, test) is brought onto them.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files
from mribench.config import FITTED, read_intensity
from mribench.errors import TrainingError, describe
from mribench.preprocessing.plugin import backend
from mribench.preprocessing.scales import find_landmarks, follow_landmarks

FILE = "intensity.json"
LARGEST = float(np.finfo(np.float16).max)
Settings = Mapping[str, Any]


class ScaledImages:
    """Images (contrasts, x, y, z) whose brains are brought onto a standard scale when read.

    It is indexed like an array; only the voxels asked for are looked up, so the images
    stay mapped into memory. The look-up table holds all 65,536 values of float16.

    Parameters
    ----------
    images
        float16 (contrasts, x, y, z), as stored.
    mask
        The brain (x, y, z); outside, values stay as they are.
    own, standard
        Landmarks (contrasts, n) of the case and of the scale.
    """

    def __init__(
        self, images: np.ndarray, mask: np.ndarray, own: np.ndarray, standard: np.ndarray
    ) -> None:
        self.images = images
        self.tables = np.stack([look_up_table(*pair) for pair in zip(own, standard, strict=True)])
        self.mask = np.broadcast_to(mask, images.shape)
        contrasts = np.arange(len(images), dtype=np.int16).reshape(-1, 1, 1, 1)
        self.contrasts = np.broadcast_to(contrasts, images.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Contrasts and voxels along x, y and z."""
        return self.images.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the stored values, and of those returned."""
        return self.images.dtype

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, key: Any) -> np.ndarray:
        values = np.asarray(self.images[key])
        scaled = self.tables[self.contrasts[key], values.view(np.uint16)]
        return np.where(self.mask[key] > 0, scaled, values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[...].astype(dtype or self.dtype, copy=False)


def look_up_table(own: np.ndarray, standard: np.ndarray) -> np.ndarray:
    """Return where each value of float16 goes, by its bits (65536,), float16."""
    values = np.arange(2**16, dtype=np.uint16).view(np.float16)
    with np.errstate(invalid="ignore"):
        scaled = follow_landmarks(values.astype(np.float64), own, standard)
    return np.clip(scaled, -LARGEST, LARGEST).astype(np.float16)


class IntensityScale:
    """The scale on which a model reads images.

    Parameters
    ----------
    settings
        The entry ``intensity`` of the variant.
    contrasts
        Contrasts of the store, in order.
    standard
        Mean landmarks (contrasts, n) over the training cases; None for methods that are
        not fitted.
    cases
        The training cases.
    """

    def __init__(
        self,
        settings: Settings,
        contrasts: Sequence[str],
        standard: np.ndarray | None = None,
        cases: Sequence[str] = (),
    ) -> None:
        self.settings, self.contrasts = dict(settings), list(contrasts)
        self.standard, self.cases = standard, list(cases)

    def apply(self, images: np.ndarray, mask: np.ndarray) -> "np.ndarray | ScaledImages":
        """Return the images (contrasts, x, y, z) of a case on the scale."""
        if self.standard is None:
            return images
        own = case_landmarks(images, mask, self.settings)
        return ScaledImages(images, mask, own, self.standard)

    def write(self, folder: Path) -> None:
        """Write ``intensity.json``: settings, training cases and landmarks per contrast."""
        content: dict[str, Any] = {"settings": self.settings, "contrasts": self.contrasts}
        if self.standard is not None:
            content["training"] = self.cases
            content["percentiles"] = list(map(float, landmark_percents(self.settings)))
            content["landmarks"] = dict(zip(self.contrasts, self.standard.tolist(), strict=True))
        files.write_json(folder / FILE, content, sealed=True)


def read_scale(folder: Path, settings: Settings, contrasts: Sequence[str]) -> IntensityScale:
    """Read the scale that was fitted when the model in `folder` was trained.

    Parameters
    ----------
    folder
        The run's folder.
    settings, contrasts
        Those of the store that is to be predicted.

    Raises
    ------
    TrainingError
        If the file is missing, or the store was made with other settings.
    """
    path = folder / FILE
    found = files.read_json(path) if path.is_file() else None
    if found is None or found["settings"] != settings or found["contrasts"] != list(contrasts):
        raise TrainingError(
            describe(
                subject=folder.parent.name,
                file=path,
                found="no such file" if found is None else f"a scale of {found['settings']}",
                expected=f"the scale of the store, {dict(settings)}",
                remedy="predict with the variant that the model was trained on, or train again",
            )
        )
    if "landmarks" not in found:
        return IntensityScale(settings, contrasts)
    standard = np.array([found["landmarks"][contrast] for contrast in contrasts])
    return IntensityScale(settings, contrasts, standard, found["training"])


def fit_scale(
    cases: Iterable[tuple[str, np.ndarray, np.ndarray]],
    settings: Settings,
    contrasts: Sequence[str],
) -> IntensityScale:
    """Fit the scale of a fold.

    Parameters
    ----------
    cases
        Name, images (contrasts, x, y, z) and brain mask (x, y, z) of the training cases.
        They are not looked at by methods that are not fitted.
    settings, contrasts
        Those of the store.
    """
    if settings["method"] not in FITTED:
        return IntensityScale(settings, contrasts)
    names, landmarks = [], []
    for name, images, mask in cases:
        names.append(name)
        landmarks.append(case_landmarks(images, mask, settings))
    standard = np.mean(landmarks, axis=0) if names else None
    return IntensityScale(settings, contrasts, standard, names)


def case_landmarks(images: np.ndarray, mask: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the landmarks (contrasts, n) of one case inside its brain mask."""
    percents, inside = landmark_percents(settings), np.asarray(mask) > 0
    return np.stack([find_landmarks(image[inside], percents) for image in images])


def landmark_percents(settings: Settings) -> np.ndarray:
    """Return the percentiles that a fitted method uses as landmarks."""
    chosen = read_intensity(settings)
    percents: np.ndarray = backend("normalise_intensity", chosen.method).percents(chosen)
    return percents
