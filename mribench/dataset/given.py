"""Brain masks and tissue labels that come with a data set: found, checked, listed."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mribench.config import Dataset, Given
from mribench.dataset import checks
from mribench.dataset.geometry import Grid
from mribench.dataset.labels import FileFinder
from mribench.dataset.participants import MISSING
from mribench.dataset.problems import Finding
from mribench.dataset.scanner import Case
from mribench.dataset.volumes import Volume, read_volume

SUFFIXES = {"brain_mask": "desc-brain_mask", "tissues": "dseg"}
COLUMNS = {
    "brain_mask": "brain mask of the data set's own, relative to it, n/a if not used",
    "brain_mask_checksum": "SHA-256 of the brain mask file",
    "tissues": "tissue labels of the data set's own, relative to it, n/a if not used",
    "tissues_checksum": "SHA-256 of the tissue label file",
}
Found = tuple[dict[str, str], list[tuple[str, Finding]]]


def given_finders(root: Path, settings: Dataset) -> dict[str, FileFinder]:
    """Return a finder for each kind of file that the configuration declares.

    Raises
    ------
    ConfigError
        If a pattern leads out of the data set.
    """
    return {
        key: FileFinder.of_given(root, key, SUFFIXES[key], given)
        for key, given in _declared(settings).items()
    }


def inspect_given(
    root: Path,
    settings: Dataset,
    finders: Mapping[str, FileFinder],
    case: Case,
    grids: Mapping[str, Grid],
) -> Found:
    """Check the files of one case.

    Parameters
    ----------
    root, settings
        The data set.
    finders
        What :func:`given_finders` returned.
    case
        The case.
    grids
        The grids of the case's images by contrast.

    Returns
    -------
    The case's cells in the columns of :data:`COLUMNS`, and findings by file.
    """
    row = dict.fromkeys(COLUMNS, MISSING)
    findings: list[tuple[str, Finding]] = []
    for key, given in _declared(settings).items():
        files = finders[key].find(case)
        problem = finders[key].check(files, case)
        if problem is not None:
            findings.append(problem)
            continue
        volume = read_volume(root / files[0])
        if isinstance(volume, Volume):
            row |= {key: files[0], f"{key}_checksum": volume.checksum}
            found = list(_check(volume, settings, given.contrast, grids))
        else:
            found = [volume]
        findings += [(files[0], finding) for finding in found]
    return row, findings


def _declared(settings: Dataset) -> dict[str, Given]:
    declared = {"brain_mask": settings.brain_mask, "tissues": settings.tissues}
    return {key: given for key, given in declared.items() if given is not None}


def _check(
    volume: Volume, settings: Dataset, contrast: str, grids: Mapping[str, Grid]
) -> Iterator[Finding]:
    wrong = [*checks.check_axes(volume), *checks.check_values(volume)]
    yield from wrong
    if wrong:
        return
    if checks.extremes(volume)[1] <= 0:
        yield Finding("an empty file: no voxel above 0", "a mask or labels", "make it again")
    # A grid that is missing among the images would be blamed on the file.
    if contrast in grids:
        named = {contrast: grids[contrast]}
        match = checks.match_grid(volume.grid, named, contrast, settings.affine_tolerance_mm)
        if match.finding:
            yield match.finding
