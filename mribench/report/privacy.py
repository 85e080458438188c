"""What in a release could tell who a person is: header texts, sidecar fields, faces.

A check that warns; whether people may be recognised is for their consent and the law to say.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import nibabel

HEADER_TEXTS = ("descrip", "aux_file", "db_name", "intent_name")
HARMLESS_TEXTS = frozenset({"", "mribench"})
IDENTIFYING_FIELDS = frozenset(
    {
        "AccessionNumber",
        "AcquisitionDate",
        "AcquisitionDateTime",
        "AcquisitionTime",
        "DeviceSerialNumber",
        "InstitutionAddress",
        "InstitutionName",
        "InstitutionalDepartmentName",
        "OperatorsName",
        "OtherPatientIDs",
        "PatientAddress",
        "PatientBirthDate",
        "PatientID",
        "PatientName",
        "PerformingPhysicianName",
        "ReferringPhysicianName",
        "SeriesInstanceUID",
        "StationName",
        "StudyDate",
        "StudyID",
        "StudyInstanceUID",
    }
)
"""Fields of the DICOM standard (PS3.15, table E.1-1) as dcm2niix writes them into sidecars."""
NO_FACE = ("_mask", "_dseg", "_probseg", "_xfm", "desc-biasfield", "desc-preproc")
"""Names of files that hold labels, transforms, or images inside the brain mask."""
HEADER_BYTES = 352


class Risk(NamedTuple):
    """A file of a release and what in it could tell who somebody is."""

    file: str
    found: str

    def __str__(self) -> str:
        return f"{self.file}: {self.found}"


def find_risks(folder: Path) -> Iterator[Risk]:
    """Yield what could tell who somebody is in the files of a folder, sorted by name."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield from judge(path.relative_to(folder).as_posix(), path)


def judge(name: str, path: Path) -> Iterator[Risk]:
    """Yield what could tell who somebody is in one file; only its first bytes are unpacked.

    Parameters
    ----------
    name
        Its name in the release, which says what an image shows.
    path
        The file itself.
    """
    if name.endswith(".json"):
        yield from _judge_sidecar(name, path)
    elif name.endswith((".nii", ".nii.gz")):
        yield from _judge_header(name, path)
        if not any(part in PurePosixPath(name).name for part in NO_FACE):
            yield Risk(name, "an image that may show a face: it is not known to be stripped")
    elif name.lower().endswith((".dcm", ".ima")):
        yield Risk(name, "a DICOM file, which names the patient")


def _judge_sidecar(name: str, path: Path) -> Iterator[Risk]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return
    found = sorted(IDENTIFYING_FIELDS & set(_keys(content)))
    if found:
        yield Risk(name, f"the fields {', '.join(found)}")


def _keys(content: object) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield str(key)
            yield from _keys(value)
    elif isinstance(content, list):
        for item in content:
            yield from _keys(item)


def _judge_header(name: str, path: Path) -> Iterator[Risk]:
    try:
        with gzip.open(path) if name.endswith(".gz") else path.open("rb") as stream:
            start = stream.read(HEADER_BYTES)
        header = nibabel.Nifti1Header(start[: nibabel.Nifti1Header.sizeof_hdr], check=False)
    except (OSError, EOFError, zlib.error, nibabel.wrapstruct.WrapStructError):
        yield Risk(name, "a header that cannot be read")
        return
    for key in HEADER_TEXTS:
        text = header[key].item().decode("latin-1").strip("\0 ")
        if text not in HARMLESS_TEXTS:
            yield Risk(name, f"the header's {key} is {text!r}")
    # After the header of 348 bytes, a first byte other than 0 says that extensions follow.
    if any(start[nibabel.Nifti1Header.sizeof_hdr :][:1]):
        yield Risk(name, "extensions of the header, which may hold any text")
