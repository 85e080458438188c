"""What an archive would tell about the people in it: faces in images, names in headers."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from mribench.report.crate_contents import Content

TEXT_FIELDS = ("descrip", "aux_file", "db_name", "intent_name")
"""Header fields of NIfTI that hold free text."""
MOST_LABELS = 256
IDENTIFYING = frozenset(
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
        "PatientAge",
        "PatientBirthDate",
        "PatientID",
        "PatientName",
        "PatientSex",
        "PatientWeight",
        "PerformingPhysicianName",
        "PhysicianName",
        "ReferringPhysicianName",
        "SeriesInstanceUID",
        "StationName",
        "StudyDate",
        "StudyID",
        "StudyInstanceUID",
        "StudyTime",
    }
)
"""Keys that dcm2niix keeps without anonymisation, after DICOM PS3.15, table E.1-1."""


def list_disclosures(members: Mapping[str, Content]) -> list[str]:
    """Return one sentence for each thing in an archive that may identify a person.

    Parameters
    ----------
    members
        The content of the archive by name.

    Returns
    -------
    Images that are no label maps (they may show a face), headers of images with text or
    extensions, and records with keys that DICOM files carry about people.
    """
    return [text for name, content in members.items() for text in _look_into(name, content)]


def _look_into(name: str, content: Content) -> Iterator[str]:
    if name.endswith((".nii", ".nii.gz")):
        yield from image_disclosures(name, _bytes(content))
    elif name.endswith(".json"):
        found = sorted(IDENTIFYING & set(_keys(json.loads(_bytes(content)))))
        if found:
            yield f"{name}: keys that may identify a person: {', '.join(found)}; remove them"


def image_disclosures(name: str, content: bytes) -> Iterator[str]:
    """Yield what a NIfTI file of an archive tells beside its labels."""
    plain = gzip.decompress(content) if name.endswith(".gz") else content
    image = nibabel.Nifti1Image.from_bytes(plain)
    for field in TEXT_FIELDS:
        text = bytes(image.header[field]).strip(b"\0 ").decode("latin-1")
        if text:
            yield f"{name}: header field {field} says {text!r}; clear it where it names a person"
    extensions = len(image.header.extensions)
    if extensions:
        yield f"{name}: header extensions: {extensions}; remove them, they may name a person"
    values = np.unique(np.asanyarray(image.dataobj))
    if len(values) > MOST_LABELS or (values != np.round(values)).any():
        found = f"{len(values)} intensities, no label map"
        yield f"{name}: {found}; an image may show a face: deface it"


def _keys(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        yield from content
    for part in content.values() if isinstance(content, dict) else content:
        if isinstance(part, dict | list):
            yield from _keys(part)


def _bytes(content: Content) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content
