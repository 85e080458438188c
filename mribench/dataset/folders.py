"""Where a study's data set stands, and a quick digest of what lies in a folder."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from mribench.config import Dataset, Study
from mribench.errors import DataError, describe


def bids_root(study: Study, study_dir: Path) -> Path:
    """Return the BIDS data set that a study reads (see :func:`dataset_root`)."""
    return dataset_root(study.dataset, study_dir)


def dataset_root(settings: Dataset, study_dir: Path) -> Path:
    """Return the folder of the BIDS data set.

    Parameters
    ----------
    settings
        The recipe ``bids`` reads its source in place; every other recipe makes a data
        set inside the study's own folder.
    study_dir
        ``results/<study>``.
    """
    if settings.recipe == "bids" and settings.source:
        return Path(settings.source)
    return study_dir / "dataset" / "bids"


def list_folder(root: Path) -> str:
    """Return a digest of the names, sizes and change times of all files under `root`.

    No file is opened, so that the digest is cheap enough for every start of the
    workflow. Hidden files and folders (``.git``, ``.DS_Store``) do not count.

    Raises
    ------
    DataError
        If `root` is no folder.
    """
    require_folder(root)
    text = hashlib.sha256()
    for line in _lines(str(root), "", frozenset()):
        text.update(os.fsencode(line))
    return text.hexdigest()[:16]


def require_folder(root: Path) -> None:
    """Raise where `root` is no folder.

    Raises
    ------
    DataError
        Names the path and what to do.
    """
    if not root.is_dir():
        raise DataError(
            describe(
                subject="dataset.source",
                file=printable(root),
                found="a file" if root.exists() else "nothing",
                expected="a folder with the data set",
                remedy="correct the path; relative paths start at the folder of the Snakefile",
            )
        )


def printable(text: object) -> str:
    """Return `text` with control characters and undecodable bytes as escapes.

    Names of files come from strangers; this keeps them from breaking a table or a terminal.
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(text))


def _lines(folder: str, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """Yield one line per file in sorted order; a folder that links to one above is left out."""
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    for entry in found:
        if entry.name.startswith("."):
            continue
        name = prefix + entry.name
        if entry.is_dir():
            yield from _lines(entry.path, name + "/", above | {identity})
        else:
            status = entry.stat(follow_symlinks=os.path.exists(entry.path))
            yield f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"
