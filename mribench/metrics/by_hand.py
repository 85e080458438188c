"""Scoring files that no study has made: two images, or two folders of them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mribench.config import Label
from mribench.dataset.geometry import require_same_grid
from mribench.errors import ConfigError, DataError, describe
from mribench.metrics.conventions import load_preset
from mribench.metrics.label_maps import read_labels, require_values
from mribench.metrics.runs import (
    Scoring,
    Tables,
    read_reference,
    require_same_cases,
    score_all,
    score_labels,
)
from mribench.metrics.score import require_scorable

CHECK = "check the predicted file"
NAMES = "give the files of a case the same name in both folders"
CASE = re.compile(r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?")


def score_files(reference: Path, prediction: Path, method: str, scoring: Scoring) -> Tables:
    """Score one image against another, or all images of a folder against those of another.

    Parameters
    ----------
    reference, prediction
        Two NIfTI files, or two folders. In folders the cases are matched by
        :func:`case_of` their names.
    method
        What the rows are marked with.
    scoring
        Preset, labels and tolerance. A label has the same voxel value in both images.

    Returns
    -------
    Rows of the tables; fold and seed are 0.

    Raises
    ------
    ConfigError
        If the preset cannot score the labels, or needs probabilities.
    DataError
        If a case is missing, superfluous or cannot be scored; all such cases are named, and
        nothing is scored.
    """
    preset, label = load_preset(scoring.preset), scoring.label
    require_scorable(preset, label.values, label.ignore)
    if reference.is_dir() != prediction.is_dir():
        raise ConfigError("give two files or two folders, found a file and a folder")
    pairs = [list_images(place) for place in (reference, prediction)]
    if not reference.is_dir():
        # Two single files belong together, whatever their names are.
        pairs[1] = dict.fromkeys(pairs[0], prediction)
    require_same_cases(pairs[1], pairs[0], method, prediction, NAMES)

    def score(case: str) -> Tables:
        truth = read_reference(pairs[0][case], case, preset, scoring)
        path = pairs[1][case]
        given = read_labels(path, case, CHECK)
        require_values(given, {0, *label.values.values(), *label.ignore}, case, path, CHECK)
        require_same_grid(
            truth.grid,
            given.grid,
            subject=case,
            file=path,
            tolerance_mm=scoring.affine_tolerance_mm,
        )
        return score_labels(truth, given.values, _keys(method, case), preset, label)

    return score_all(score, sorted(pairs[0]), method)


def _keys(method: str, case: str) -> dict[str, Any]:
    subject = case.split("_")[0] if CASE.fullmatch(case) else case
    keys = {"method": method, "fold": 0, "seed": 0, "case": case, "subject": subject}
    return {**keys, "site": None}


def list_images(place: Path) -> dict[str, Path]:
    """Return the NIfTI files of a folder by case, or the one file itself.

    Raises
    ------
    DataError
        If there is none, or a case has two.
    """
    files = sorted(place.glob("*.nii*")) if place.is_dir() else [place]
    found: dict[str, Path] = {}
    for path in files:
        if path.name.endswith((".nii", ".nii.gz")):
            twin = found.setdefault(case_of(path), path)
            if twin != path:
                raise _wrong_folder(place, f"{twin.name} and {path.name} of one case")
    if not found:
        raise _wrong_folder(place, "no image")
    return found


def case_of(path: Path) -> str:
    """Return the case of a file: ``sub-01_ses-1`` of a BIDS name, else the name itself."""
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    match = CASE.match(name)
    return match.group() if match else name


def _wrong_folder(place: Path, found: str) -> DataError:
    return DataError(
        describe(
            subject="images",
            file=place,
            found=found,
            expected="one NIfTI file (.nii, .nii.gz) per case",
            remedy="move other files to another folder",
        )
    )


def parse_labels(texts: Sequence[str], ignore: Sequence[int]) -> Label:
    """Return the labels that ``name=value`` describes, such as ``lesion=1``.

    Raises
    ------
    ConfigError
        If a text has another form, or two labels share a value.
    """
    pairs = [text.partition("=") for text in texts]
    wrong = [text for text, pair in zip(texts, pairs, strict=True) if not pair[2].isdigit()]
    if wrong:
        raise ConfigError(f"label: found {wrong[0]!r}; expected name=value, such as lesion=1")
    values = {name: int(value) for name, _, value in pairs}
    try:
        return Label(values=values, ignore=tuple(ignore)) if texts else Label(ignore=tuple(ignore))
    except ValueError as error:
        raise ConfigError(
            f"label: {', '.join(texts)}: each needs its own value, 1 to 254"
        ) from error
