"""Import DICOM series with dcm2niix (Li et al. 2016): one folder per person and contrast.

`dataset.source` holds ``sub-01/T1w/``, ``sub-01/FLAIR/`` and so on, with sessions
``sub-01/ses-1/T1w/``; the files of one series lie in each, named as they please. What else
the data set has, ``participants.tsv`` and ``derivatives`` with the labels, is copied: labels
must stand on the grid of the converted images. Only the contrasts that the study reads are
converted. Names and dates of people do not enter the new data set.
"""

import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mribench import __version__, programs
from mribench.config import Dataset
from mribench.dataset.folders import require_folder
from mribench.dataset.releases import BIDS_VERSION, copy_file, replace_folder, require_people
from mribench.files import read_image, read_json, write_image, write_json, write_text

LAYOUT = "folders sub-<name>/<contrast> or sub-<name>/ses-<name>/<contrast> with DICOM files"
README = "Converted from DICOM by dcm2niix. The sidecars hold what the scanner told.\n"


class Series(NamedTuple):
    """One series: its folder, and the case and contrast it becomes."""

    folder: Path
    case: str
    contrast: str


def convert(source: Path, target: Path, settings: Dataset) -> None:
    """Write a folder of DICOM series as a BIDS data set.

    Parameters
    ----------
    source
        See the text of this module.
    target
        Folder to make.
    settings
        The data set's settings: the contrasts are used.

    Raises
    ------
    DataError
        If there are no series, or links lead out of `source`.
    ToolError
        If dcm2niix is missing, or does not make one image of a series.
    """
    require_folder(source)
    series = sorted(find_series(source, settings.contrasts))
    require_people([item.case for item in series], source, LAYOUT)
    with replace_folder(target) as folder:
        for item in series:
            with programs.concerning(item.case, item.folder):
                _convert_series(item, folder)
        for path in _others(source):
            inside = path.relative_to(source)
            copy_file(source, path, folder / inside, inside.parts[0])
        _write_description(folder, source)


def find_series(source: Path, contrasts: tuple[str, ...]) -> Iterator[Series]:
    """Yield the series of the given contrasts, by the names of their folders."""
    for path in [*source.glob("sub-*/*"), *source.glob("sub-*/ses-*/*")]:
        names = path.parent.relative_to(source).parts
        proper = all(re.fullmatch(r"(sub|ses)-[A-Za-z0-9]+", name) for name in names)
        if path.name in contrasts and path.is_dir() and proper:
            yield Series(path, "_".join(names), path.name)


def _convert_series(series: Series, target: Path) -> None:
    """Convert one series; the bytes of the image repeat, as dcm2niix' own packing would not."""
    programs.require("dcm2niix")
    from nipype.interfaces.dcm2nii import Dcm2niix

    with tempfile.TemporaryDirectory() as folder:
        job = Dcm2niix(
            source_dir=str(series.folder.resolve()),
            output_dir=folder,
            out_filename="image",
            compress="n",
            anon_bids=True,
        )
        programs.run("dcm2niix", shlex.split(job.cmdline), [])
        made = sorted(path.name for path in Path(folder).glob("*.nii"))
        if len(made) != 1:
            listing = f": {', '.join(made)}" if made else ""
            found, expected = f"{len(made)} images made{listing}", "one image of one series"
            remedy = "leave the files of one series with one echo in this folder"
            raise programs.ProgramError("dcm2niix", found, expected, remedy)
        name = f"{series.case}_{series.contrast}"
        image = target / series.case.replace("_", "/") / "anat" / f"{name}.nii.gz"
        write_image(image, read_image(Path(folder, made[0])))
        sidecar = Path(folder, made[0]).with_suffix(".json")
        write_json(image.with_name(f"{name}.json"), read_json(sidecar))


def _others(source: Path) -> Iterator[Path]:
    """Yield what is copied as it is."""
    named = [source / "participants.tsv", source / "participants.json"]
    found = sorted((source / "derivatives").rglob("*"))
    yield from (path for path in [*named, *found] if path.is_file())


def _write_description(folder: Path, source: Path) -> None:
    write_json(
        folder / "dataset_description.json",
        {
            "Name": source.resolve().name,
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "mribench", "Version": __version__, "Description": README}],
        },
    )
    write_text(folder / "README", README)
