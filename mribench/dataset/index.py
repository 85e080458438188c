"""The index of a data set: every image read once, checked, and listed in ``scans.tsv``."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from mribench.config import Dataset
from mribench.dataset import checks, given
from mribench.dataset.geometry import Grid
from mribench.dataset.labels import FileFinder
from mribench.dataset.participants import COLUMNS, MISSING, read_participants
from mribench.dataset.problems import Finding, Problem, make_problem
from mribench.dataset.scanner import Case, Scan, check_contrasts, entities_of, scan_dataset
from mribench.dataset.volumes import Volume, read_volume
from mribench.errors import DataError
from mribench.files import read_table

LOG = logging.getLogger("mribench")
SCAN_COLUMNS = {
    "case": "subject, or subject and session",
    "subject": "the person; nobody stands in two splits",
    "session": "visit, n/a in data sets without sessions",
    "site": "scanner or hospital from participants.tsv, n/a if not told",
    "age": "age in years from participants.tsv, n/a if not told",
    "group": "group from participants.tsv, n/a if not told",
    "contrast": "contrast of the image",
    "path": "image, relative to the data set",
    "shape": "voxels along the three axes",
    "spacing": "voxel size along the three axes in mm",
    "orientation": "directions of the voxel axes",
    "checksum": "SHA-256 of the image file",
    "labels": "reference label of the case, relative to the data set",
    "labels_contrast": "contrast on whose grid the label stands",
    "labels_checksum": "SHA-256 of the label file",
    "load_ml": "volume of all classes of the label in ml",
    **given.COLUMNS,
}
Row = dict[str, str]
UNLABELLED = dict.fromkeys(("labels", "labels_contrast", "labels_checksum", "load_ml"), MISSING)


class Index(NamedTuple):
    """The usable images of a data set, one row each, and all problems of the others."""

    scans: list[Row]
    problems: list[Problem]

    def of(self, action: str) -> list[Problem]:
        """Return the problems with this action: ``stop``, ``drop`` or ``note``."""
        return [problem for problem in self.problems if problem.action == action]

    def require_usable(self) -> None:
        """Raise where the study cannot go on with this data set.

        Raises
        ------
        DataError
            One line per problem that stops the study, or that no case is left.
        """
        stopping = self.of("stop")
        if stopping:
            count = f"{len(stopping)} problem{'s' if len(stopping) > 1 else ''} in the data set:"
            raise DataError("\n".join([count, *map(str, stopping)]))
        if not self.scans:
            lines = [str(problem) for problem in self.of("drop")]
            raise DataError("\n".join(["no case of the data set can be used:", *lines]))


class Report(NamedTuple):
    """What the inspection of one case found: rows of ``scans.tsv`` and findings by file."""

    rows: list[Row]
    findings: list[tuple[str, Finding]]


def index_dataset(root: Path, settings: Dataset, threads: int = 1) -> Index:
    """Read and check every image and label of a BIDS data set.

    All problems are collected; the first one does not end the search. Files are never
    changed.

    Parameters
    ----------
    root
        Folder of the data set.
    settings
        The contrasts each case must have, where its label is, and whether problems
        stop the study or drop the case.
    threads
        Number of cases that are read at the same time, each in its own process; the
        result does not depend on it.

    Raises
    ------
    DataError
        If `root` is no folder or holds no subject.
    ConfigError
        If a pattern leads out of the data set.
    """
    finders = given.given_finders(root, settings)
    if settings.label.given:
        finders["label"] = FileFinder.of_label(root, settings.label)
    scan = scan_dataset(root, settings.on_problem)
    subjects = {case.subject for case in scan.cases}
    people, in_table = read_participants(root, subjects, settings.on_problem)
    inspect = partial(inspect_case, root, settings, finders)
    reports = _map(inspect, scan.cases, threads)
    problems = sorted([*scan.problems, *in_table, *_problems(scan, reports, settings)])
    rejected = [problem for problem in problems if problem.action != "note"]
    rows: list[Row] = []
    for case, report in zip(scan.cases, reports, strict=True):
        if not any(problem.concerns(case.name) for problem in rejected):
            person = people.get(case.subject, {})
            shared = {key: person.get(key, MISSING) for key in COLUMNS}
            rows += [{**row, **shared} for row in report.rows]
    return Index(rows, problems)


def inspect_case(
    root: Path, settings: Dataset, finders: Mapping[str, FileFinder], case: Case
) -> Report:
    """Read all images and the label of one case and check them, alone and together."""
    findings = list(check_contrasts(case, settings.contrasts, root))
    grids: dict[str, Grid] = {}
    rows: list[Row] = []
    for contrast in settings.contrasts:
        for path in case.images.get(contrast, []):
            volume = read_volume(root / path)
            found = [volume] if isinstance(volume, Finding) else checks.check_image(volume)
            findings += [(path, finding) for finding in found]
            if isinstance(volume, Volume) and not list(checks.check_axes(volume)):
                grids[contrast] = volume.grid
                rows.append(_image_row(case, contrast, path, volume))
    label = Report([UNLABELLED], [])
    if "label" in finders:
        label = _inspect_label(root, settings, finders["label"], case, grids)
    own, problems = given.inspect_given(root, settings, finders, case, grids)
    return Report(
        [{**row, **label.rows[0], **own} for row in rows if label.rows],
        findings + label.findings + problems,
    )


def log_summary(index: Index) -> None:
    """Log what was left out, what is noteworthy, and how much there is."""
    dropped, notes = index.of("drop"), index.of("note")
    for problem in dropped:
        LOG.warning("dropped %s", problem)
    for problem in notes:
        LOG.info("note: %s", problem)
    LOG.info("%d cases, %d images, %d notes", len(cases(index.scans)), len(index.scans), len(notes))
    names = sorted({problem.case for problem in dropped})
    if names:
        LOG.warning("%d dropped: %s", len(names), ", ".join(names))


def read_scans(path: str | os.PathLike[str]) -> list[Row]:
    """Read ``scans.tsv``: one dictionary per image."""
    return read_table(path)


def cases(scans: list[Row]) -> list[str]:
    """Return the names of all cases, sorted."""
    return sorted({row["case"] for row in scans})


def _map(inspect: Callable[[Case], Report], items: Sequence[Case], threads: int) -> list[Report]:
    if threads == 1:
        return [inspect(case) for case in items]
    with ProcessPoolExecutor(threads) as pool:
        return list(pool.map(inspect, items))


def _inspect_label(
    root: Path, settings: Dataset, finder: FileFinder, case: Case, grids: Mapping[str, Grid]
) -> Report:
    files = finder.find(case)
    problem = finder.check(files, case)
    if problem is not None:
        return Report([], [problem])
    path = files[0]
    volume = read_volume(root / path)
    if isinstance(volume, Finding):
        return Report([], [(path, volume)])
    findings = checks.check_label(volume, settings.label)
    contrast = None
    # A grid that is missing among the images would be blamed on the label.
    if len(grids) == len(settings.contrasts) and not list(checks.check_axes(volume)):
        named = entities_of(Path(path).name).get("space")
        match = checks.match_grid(volume.grid, grids, named, settings.affine_tolerance_mm)
        findings += [match.finding] if match.finding else []
        contrast = match.contrast
    if findings or contrast is None:
        return Report([], [(path, finding) for finding in findings])
    return _label_report(path, contrast, volume, settings)


def _label_report(path: str, contrast: str, volume: Volume, settings: Dataset) -> Report:
    voxels = checks.count_foreground(volume, settings.label)
    row = {
        "labels": path,
        "labels_contrast": contrast,
        "labels_checksum": volume.checksum,
        "load_ml": f"{voxels * volume.grid.voxel_ml:.6g}",
    }
    return Report([row], [] if voxels else [(path, _empty(settings))])


def _empty(settings: Dataset) -> Finding:
    classes = " or ".join(settings.label.values)
    return Finding(
        f"an empty label: no voxel of {classes}",
        "a label, which may be empty",
        "nothing, if this person has none",
        note=True,
    )


def _image_row(case: Case, contrast: str, path: str, volume: Volume) -> Row:
    grid = volume.grid
    return {
        "case": case.name,
        "subject": case.subject,
        "session": case.session or MISSING,
        "contrast": contrast,
        "path": path,
        "shape": "x".join(map(str, grid.shape)),
        "spacing": "x".join(f"{size:g}" for size in grid.spacing),
        "orientation": grid.orientation,
        "checksum": volume.checksum,
    }


def _problems(scan: Scan, reports: list[Report], settings: Dataset) -> list[Problem]:
    pairs = zip(scan.cases, reports, strict=True)
    return list(
        chain.from_iterable(
            (
                make_problem(case.name, file, finding, settings.on_problem)
                for file, finding in report.findings
            )
            for case, report in pairs
        )
    )
