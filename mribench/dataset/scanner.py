"""A quick scanner of BIDS data sets: which subject has which image, by names alone."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mribench.dataset.folders import printable, require_folder
from mribench.dataset.problems import Action, Finding, Problem, make_problem
from mribench.errors import DataError, describe

IMAGE = re.compile(
    r"(?P<entities>(?:[A-Za-z0-9]+-[A-Za-z0-9+]+_)+)(?P<suffix>[A-Za-z0-9]+)\.nii(\.gz)?"
)
LISTED = 6


class Case(NamedTuple):
    """One subject, or one session of a subject, and its image files.

    `folder` is the case's folder relative to the data set; `images` holds the files
    in its ``anat`` folder by contrast, as paths relative to the data set.
    """

    name: str
    subject: str
    session: str | None
    folder: str
    images: dict[str, list[str]]

    @property
    def anat(self) -> str:
        """The folder of the images, relative to the data set."""
        return f"{self.folder}/anat"


class Scan(NamedTuple):
    """What the scanner found: cases by name, and the problems that names alone show."""

    cases: list[Case]
    problems: list[Problem]


def scan_dataset(root: Path, on_problem: Action) -> Scan:
    """Find all cases of a BIDS data set.

    Parameters
    ----------
    root
        Folder of the data set.
    on_problem
        The action of the problems found.

    Returns
    -------
    The cases in the order of their names. Subjects and sessions with names that are
    no BIDS names, or that differ from another one by case only, are problems.

    Raises
    ------
    DataError
        If `root` is no folder or holds no subject.
    """
    require_folder(root)
    subjects = _folders(root, "sub-")
    if not subjects:
        raise DataError(
            describe(
                subject="dataset.source",
                file=printable(root),
                found="no folder named sub-<name>",
                expected="a BIDS data set with one folder per subject",
                remedy="correct the path, or name the recipe that imports this data set",
            )
        )
    good, problems = _check_names(subjects, "sub", "", on_problem)
    cases: list[Case] = []
    for subject in good:
        found = _scan_subject(root, subject, on_problem)
        cases += found.cases
        problems += found.problems
    return Scan(sorted(cases), problems)


def contrast_of(file_name: str) -> str | None:
    """Return the contrast that a BIDS file name tells, such as ``ce-gadolinium_T1w``.

    None where the name is no BIDS image name.
    """
    match = IMAGE.fullmatch(file_name)
    if match is None:
        return None
    agent = entities_of(file_name).get("ce")
    suffix = match["suffix"]
    return f"ce-{agent}_{suffix}" if agent else suffix


def entities_of(file_name: str) -> dict[str, str]:
    """Return the entities of a BIDS image name: ``{"sub": "01", "space": "FLAIR", …}``."""
    match = IMAGE.fullmatch(file_name)
    pairs = match["entities"].rstrip("_").split("_") if match else []
    return dict(pair.split("-", 1) for pair in pairs)


def check_contrasts(
    case: Case, contrasts: Sequence[str], root: Path
) -> Iterator[tuple[str, Finding]]:
    """Yield ``(file, finding)`` for each contrast that has no image or several."""
    for contrast in contrasts:
        files = case.images.get(contrast, [])
        if not files:
            yield f"{case.anat}/{case.name}_{contrast}.nii.gz", _missing(case, contrast, root)
        elif len(files) > 1:
            names = [Path(file).name for file in files]
            yield (
                files[0],
                Finding(
                    f"{len(files)} images matching {contrast}: {', '.join(names)}",
                    "one image per contrast",
                    "keep one of them in the data set, or give the other another contrast",
                ),
            )


def _missing(case: Case, contrast: str, root: Path) -> Finding:
    names = _names(root / case.anat)
    listing = ", ".join(printable(name) for name in names[:LISTED])
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return Finding(
        f"no {contrast} among " + (f"{listing}{more}" if names else "no files at all"),
        f"one image named {case.name}_[…_]{contrast}.nii.gz",
        "add the image, take the contrast out of dataset.contrasts, "
        "or set dataset.on_problem to drop",
    )


def _scan_subject(root: Path, subject: str, on_problem: Action) -> Scan:
    sessions = _folders(root / subject, "ses-")
    good, problems = _check_names(sessions, "ses", f"{subject}/", on_problem)
    cases = [
        Case(f"{subject}_{session}", subject, session, f"{subject}/{session}", {})
        for session in good
    ]
    if not sessions or (root / subject / "anat").is_dir():
        cases.append(Case(subject, subject, None, subject, {}))
    for case in cases:
        _add_images(root, case)
    return Scan(cases, problems)


def _add_images(root: Path, case: Case) -> None:
    for name in _names(root / case.anat):
        contrast = contrast_of(name)
        if contrast is not None and name.startswith(f"{case.name}_"):
            case.images.setdefault(contrast, []).append(f"{case.anat}/{name}")


def _check_names(
    names: Iterable[str], entity: str, prefix: str, on_problem: Action
) -> tuple[list[str], list[Problem]]:
    """Part names that can be used from names that are a problem."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[name.lower()].append(name)
    good: list[str] = []
    problems: list[Problem] = []
    for group in alike.values():
        for name in group:
            finding = _check_name(name, group, entity)
            if finding is None:
                good.append(name)
            else:
                label = printable(prefix + name)
                case = label.replace("/", "_")
                problems.append(make_problem(case, label, finding, on_problem))
    return good, problems


def _check_name(name: str, group: list[str], entity: str) -> Finding | None:
    if not re.fullmatch(rf"{entity}-[A-Za-z0-9]+", name):
        return Finding(
            "a name with characters other than letters and digits",
            f"{entity}-<name> with the letters A-Z, a-z and digits only",
            "rename the folder and the files in it",
        )
    if len(group) > 1:
        others = ", ".join(other for other in group if other != name)
        return Finding(
            f"a name that differs from {others} by upper and lower case only",
            "names that stay different on every file system",
            "rename or remove one of the folders: they may hold the same person",
        )
    return None


def _folders(folder: Path, prefix: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(
            entry.name for entry in entries if entry.name.startswith(prefix) and entry.is_dir()
        )


def _names(folder: Path) -> list[str]:
    """Names of the files in a folder, sorted, without hidden ones; none where it is missing."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(
            entry.name for entry in entries if not entry.name.startswith(".") and not entry.is_dir()
        )
