"""The images that a user gives: a BIDS data set, a folder of files, or files by contrast."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mribench.dataset.scanner import entities_of
from mribench.errors import DataError, describe
from mribench.files import write_json

ENDS = (".nii.gz", ".nii")
UNNAMED = "01"


def find_dataset(given: Sequence[str], contrasts: Sequence[str], work: Path) -> Path:
    """Return a BIDS data set with the images that the user gives.

    Parameters
    ----------
    given
        A BIDS data set, which is read in place; a folder of single files whose names end with
        the contrast (``FLAIR.nii.gz``, ``p7_FLAIR.nii``); or ``contrast=file`` for each contrast.
    contrasts
        What the model needs of each case.
    work
        Where links to single files are put.

    Raises
    ------
    DataError
        If a contrast is missing or given twice, is not one of the model's, or a file is not there.
    """
    if len(given) == 1 and "=" not in given[0]:
        folder = Path(given[0])
        if any(folder.glob("sub-*/")):
            return folder.resolve()
        return link_case(_find_files(folder, contrasts), work)
    pairs = [item.partition("=") for item in given]
    _require_contrasts([name for name, _, _ in pairs], contrasts, ", ".join(given))
    return link_case({name: Path(file) for name, _, file in pairs}, work)


def link_case(files: Mapping[str, Path], work: Path) -> Path:
    """Make a BIDS data set of one case out of links to its images.

    The case is called as the files are (``sub-7`` of ``sub-7_FLAIR.nii.gz``), else ``sub-01``.

    Raises
    ------
    DataError
        If a file is not there or no NIfTI file by its name.
    """
    names = (entities_of(path.name).get("sub") for path in files.values())
    subject = f"sub-{next(filter(None, names), UNNAMED)}"
    root = work / "images"
    anat = root / subject / "anat"
    anat.mkdir(parents=True, exist_ok=True)
    for contrast, path in files.items():
        end = next((end for end in ENDS if path.name.endswith(end)), None)
        if end is None or not path.is_file():
            found = "no NIfTI file by its name" if path.is_file() else "no such file"
            raise _unusable(path, found, "an image, .nii or .nii.gz", "correct the path")
        link = anat / f"{subject}_{contrast}{end}"
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
    write_json(root / "dataset_description.json", {"Name": "images", "BIDSVersion": "1.10.0"})
    return root


def _find_files(folder: Path, contrasts: Sequence[str]) -> dict[str, Path]:
    files = {}
    for contrast in contrasts:
        ends = tuple(contrast + end for end in ENDS)
        found = sorted(path for path in folder.glob("*") if path.name.endswith(ends))
        if len(found) != 1:
            what = f"{len(found)} files that end with {contrast}.nii.gz or {contrast}.nii"
            remedy = "name the files: --images T1w=... FLAIR=..."
            raise _unusable(folder, what, "a BIDS data set, or one file per contrast", remedy)
        files[contrast] = found[0]
    return files


def _require_contrasts(names: Sequence[str], contrasts: Sequence[str], given: str) -> None:
    if sorted(names) == sorted(contrasts):
        return
    missing = [contrast for contrast in contrasts if contrast not in names]
    strange = [name for name in names if name not in contrasts]
    found = f"no {', no '.join(missing)}" if missing else f"{', '.join(strange) or 'one twice'}"
    expected = " ".join(f"{contrast}=<file>" for contrast in contrasts)
    raise _unusable(given, found, expected, "give what the model was trained on, each once")


def _unusable(file: object, found: str, expected: str, remedy: str) -> DataError:
    text = describe(subject="--images", file=file, found=found, expected=expected, remedy=remedy)
    return DataError(text)
