"""Writing a public release as a BIDS data set: what all recipes share.

A recipe finds the people of a release and their files; :func:`write_release` does the rest.
"""

import gzip
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mribench import __version__
from mribench.config import Dataset, Label
from mribench.dataset.folders import printable
from mribench.dataset.labels import label_suffix
from mribench.errors import DataError, describe
from mribench.files import (
    GZIP_LEVEL,
    make_image,
    read_image,
    write_image,
    write_json,
    write_table,
    write_text,
)

BIDS_VERSION = "1.10.0"
MARKER = ".mribench"
COLUMNS = {
    "participant_id": {"Description": "the person"},
    "site": {"Description": "scanner or hospital"},
    "age": {"Description": "age at the scan", "Units": "year"},
    "sex": {"Description": "sex", "Levels": {"F": "female", "M": "male"}},
    "group": {"Description": "what the release tells apart"},
}


class Release(NamedTuple):
    """What a public release is called, whose it is, and how it may be used.

    `text` becomes the README.
    """

    name: str
    license: str
    authors: Sequence[str]
    acknowledge: str
    links: Sequence[str]
    text: str


class Person(NamedTuple):
    """One person of a release.

    `images` holds the files by contrast, `label` the reference, drawn on `contrast`;
    `participant` the columns of ``participants.tsv`` that are known, `sidecar` what is
    to be said about every image. `mask_of` are the values of the label that make a mask;
    without any, the label is copied as it is.
    """

    name: str
    images: Mapping[str, Path]
    label: Path
    participant: Mapping[str, str]
    sidecar: Mapping[str, object]
    contrast: str = "FLAIR"
    mask_of: Sequence[int] = ()


def write_release(
    source: Path, target: Path, release: Release, people: Sequence[Person], settings: Dataset
) -> None:
    """Write a BIDS data set with labels as derivatives; files are copied byte by byte, packed.

    Parameters
    ----------
    source
        Folder of the release. No file outside of it is read, links included.
    target
        Folder to make. One that an earlier import made is replaced; the new one appears
        when it is complete.
    release, people
        What the data set says and holds.
    settings
        The name of the label decides how the label files are called.

    Raises
    ------
    DataError
        If there are no people, if two have the same name, if a link leads out of the
        release, or if `target` holds files that no import made.
    """
    names = [person.name for person in people]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        _refuse(twice[0], source, "two people with this name", "one", "remove one of them")
    with replace_folder(target) as folder:
        _write_descriptions(folder, release)
        _write_participants(folder, people)
        for person in people:
            _write_images(folder, source, person)
            _write_label(folder, source, person, settings.label)


@contextmanager
def replace_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `target` when the block succeeds.

    Raises
    ------
    DataError
        If `target` holds files that were not made in this way.
    """
    if target.exists() and any(target.iterdir()) and not (target / MARKER).exists():
        found, expected = "files that no import made", "a new or empty folder"
        _refuse("dataset", target, found, expected, "remove the folder or choose another one")
    temporary = target.with_name(f".{os.getpid()}.{target.name}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        (temporary / MARKER).write_text("This folder was made by mribench and may be replaced.\n")
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def first_file(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the first of `names` that is a file in `folder`."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def require_people(people: Sequence[object], source: Path, layout: str) -> None:
    """Raise where a recipe found nobody.

    Raises
    ------
    DataError
        Says which layout the recipe reads.
    """
    if not people:
        remedy = "set dataset.source to the unpacked release, or choose another recipe"
        _refuse("dataset.source", source, "nobody with images and a label", layout, remedy)


def _write_descriptions(folder: Path, release: Release) -> None:
    generated = {"Name": "mribench", "Version": __version__, "Description": "import of a release"}
    shared = {
        "Name": release.name,
        "BIDSVersion": BIDS_VERSION,
        "License": release.license,
        "Authors": list(release.authors),
        "HowToAcknowledge": release.acknowledge,
        "ReferencesAndLinks": list(release.links),
        "GeneratedBy": [generated],
    }
    labels = {**shared, "Name": f"Reference labels of: {release.name}"}
    write_json(folder / "dataset_description.json", {**shared, "DatasetType": "raw"})
    write_json(
        folder / "derivatives/labels/dataset_description.json",
        {**labels, "DatasetType": "derivative"},
    )
    write_text(folder / "README", release.text)
    write_text(folder / "derivatives/labels/README", release.text)


def _write_participants(folder: Path, people: Sequence[Person]) -> None:
    columns = [
        name
        for name in COLUMNS
        if name == "participant_id" or any(name in person.participant for person in people)
    ]
    rows = [
        {**dict.fromkeys(columns, "n/a"), **person.participant, "participant_id": _subject(person)}
        for person in people
    ]
    write_table(folder / "participants.tsv", rows, columns)
    write_json(folder / "participants.json", {name: COLUMNS[name] for name in columns})


def _write_images(folder: Path, source: Path, person: Person) -> None:
    subject = _subject(person)
    for contrast, path in person.images.items():
        image = folder / subject / "anat" / f"{subject}_{contrast}.nii.gz"
        copy_file(source, path, image, subject)
        write_json(image.with_name(f"{subject}_{contrast}.json"), person.sidecar)


def _write_label(folder: Path, source: Path, person: Person, label: Label) -> None:
    subject = _subject(person)
    name = f"{subject}_space-{person.contrast}_{label_suffix(label.name)}"
    anat = folder / "derivatives/labels" / subject / "anat"
    copy_file(source, person.label, anat / f"{name}.nii.gz", subject)
    if person.mask_of:
        _keep_values(anat / f"{name}.nii.gz", person.mask_of)
    image = f"bids::{subject}/anat/{subject}_{person.contrast}.nii.gz"
    sidecar = {"Manual": True, "Sources": [image], "SpatialReference": image, "Type": "Lesion"}
    write_json(anat / f"{name}.json", sidecar)
    if label.name == "dseg":
        rows = [{"index": value, "name": key} for key, value in label.values.items()]
        rows += [{"index": value, "name": f"ignored{value}"} for value in label.ignore]
        write_table(anat / f"{name}.tsv", rows, ("index", "name"))


def _keep_values(path: Path, values: Sequence[int]) -> None:
    """Turn a label file into a mask: 1 where it has one of `values`, else 0."""
    image = read_image(path)
    write_image(path, make_image(np.isin(np.asanyarray(image.dataobj), values), image.affine))


def _subject(person: Person) -> str:
    return f"sub-{person.name}"


def copy_file(source: Path, path: Path, target: Path, subject: str) -> None:
    """Copy `path`, a file below `source`, to `target`; packed where only that one ends with .gz.

    Raises
    ------
    DataError
        If it is a link that leads out of `source`; the message names `subject`.
    """
    if not path.resolve().is_relative_to(source.resolve()):
        found, expected = "a link that leads out of the release", "files of the release only"
        _refuse(subject, path, found, expected, "put the file itself in the place of the link")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz" or target.suffix != ".gz":
        shutil.copyfile(path, target)
        return
    with (
        path.open("rb") as content,
        target.open("wb") as stream,
        gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0) as packed,
    ):
        shutil.copyfileobj(content, packed)


def _refuse(subject: str, file: Path, found: str, expected: str, remedy: str) -> None:
    raise DataError(
        describe(
            subject=subject, file=printable(file), found=found, expected=expected, remedy=remedy
        )
    )
