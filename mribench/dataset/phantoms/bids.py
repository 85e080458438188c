"""Writing phantoms as a BIDS data set with two derivatives: manual labels and the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mribench import __version__
from mribench.config import Site
from mribench.dataset.phantoms.acquisition import Acquisition
from mribench.dataset.phantoms.contrast import PROTOCOLS
from mribench.files import make_image, write_image, write_json, write_table, write_text

BIDS_VERSION = "1.10.0"
HEADLINE = "# Phantoms simulated by mribench"
TISSUE_LABELS = ("GM", "WM", "CSF")
PARTICIPANTS = {
    "site": {"Description": "Simulated scanner"},
    "age": {"Description": "Age, which widens ventricles and sulci", "Units": "year"},
    "sex": {
        "Description": "Sex, without effect on the images",
        "Levels": {"F": "female", "M": "male"},
    },
    "group": {"Description": "Group", "Levels": {"patient": "person with white-matter lesions"}},
}
README = """
None of these people exists. Brain anatomy comes from the MNI152 templates or from
given label maps, deformed at random; contrast, bias field, noise, motion and slice
profile are simulated. Because all of it is made, the truth is known exactly.

- `derivatives/manual`: lesion masks on the grid of the {reference}, drawn as a rater would.
- `derivatives/truth`: for each image the tissues (`dseg`, `probseg`; lesions count as white
  matter), the brain mask, the lesion fraction (`label-lesion_probseg`), the bias field and
  the rigid transform to the {reference} (ITK text).
"""
TRUTH_README = "Exact truth of the phantoms: tissues, brain, lesions, bias field and head motion.\n"
MANUAL_README = "Lesion masks of the phantoms: voxels of which at least half is lesion.\n"
IGNORED = "*_biasfield.nii.gz\n*_biasfield.json\n*_xfm.txt\n*_xfm.json\n"
TISSUE_TABLE = (
    {"index": 1, "name": "Grey matter", "abbreviation": "GM"},
    {"index": 2, "name": "White matter", "abbreviation": "WM"},
    {"index": 3, "name": "Cerebrospinal fluid", "abbreviation": "CSF"},
)


def write_frame(target: Path, rows: Sequence[Mapping[str, Any]], reference: str) -> None:
    """Write everything of the data set but images; its description comes last.

    Parameters
    ----------
    target
        Root of the data set.
    rows
        participants.tsv.
    reference
        The contrast whose grid holds the lesion masks.
    """
    columns = ("participant_id", *PARTICIPANTS)
    write_table(target / "participants.tsv", rows, columns)
    write_json(target / "participants.json", PARTICIPANTS)
    readmes = {"manual": MANUAL_README, "truth": TRUTH_README}
    for name, text in readmes.items():
        folder = target / "derivatives" / name
        write_text(folder / "README.md", text)
        write_json(folder / "dataset_description.json", description(name))
    truth = target / "derivatives" / "truth"
    write_table(truth / "dseg.tsv", TISSUE_TABLE, tuple(TISSUE_TABLE[0]))
    write_text(truth / ".bidsignore", IGNORED)
    write_text(target / "README.md", HEADLINE + "\n" + README.format(reference=reference))
    write_json(target / "dataset_description.json", description(None))


def description(derivative: str | None) -> dict[str, Any]:
    """Return ``dataset_description.json`` of the raw data or of a derivative."""
    tool = {"Name": "mribench", "Version": __version__}
    common = {"BIDSVersion": BIDS_VERSION, "License": "CC0", "GeneratedBy": [tool]}
    if derivative is None:
        return {**common, "Name": "mribench phantoms", "DatasetType": "raw"}
    links = {"raw": "../.."}
    name = f"mribench phantoms: {derivative}"
    return {**common, "Name": name, "DatasetType": "derivative", "DatasetLinks": links}


def write_scan(
    target: Path, subject: str, contrast: str, site: str, settings: Site, scan: Acquisition
) -> None:
    """Write one raw image with its sidecar, and its truth.

    Parameters
    ----------
    target
        Root of the data set.
    subject
        Name with prefix, such as ``sub-01``.
    contrast
        BIDS suffix.
    site
        Name of the scanner.
    settings
        The scanner.
    scan
        The image and its truth.
    """
    stem = target / subject / "anat" / f"{subject}_{contrast}"
    write_image(f"{stem}.nii.gz", make_image(scan.image, scan.grid.affine))
    write_json(f"{stem}.json", sidecar(contrast, site, scan.grid.spacing[2]))
    prefix = target / "derivatives/truth" / subject / "anat" / f"{subject}_space-{contrast}"
    source = f"bids:raw:{subject}/anat/{subject}_{contrast}.nii.gz"
    labels = (scan.tissues.argmax(axis=0) + 1) * scan.brain
    _derive(f"{prefix}_dseg", labels.astype(np.uint8), scan, source)
    for name, fraction in zip(TISSUE_LABELS, scan.tissues, strict=True):
        _derive(f"{prefix}_label-{name}_probseg", fraction, scan, source)
    _derive(f"{prefix}_label-lesion_probseg", scan.lesions, scan, source)
    _derive(f"{prefix}_desc-brain_mask", scan.brain, scan, source, Type="Brain")
    _derive(f"{prefix}_biasfield", scan.bias, scan, source)


def write_label(target: Path, subject: str, reference: str, scan: Acquisition) -> None:
    """Write the lesion mask on the reference contrast's grid, as a rater would draw it."""
    name = f"{subject}_space-{reference}_label-lesion_mask"
    source = f"bids:raw:{subject}/anat/{subject}_{reference}.nii.gz"
    path = target / "derivatives/manual" / subject / "anat" / name
    _derive(str(path), scan.lesions >= 0.5, scan, source, Type="Lesion")


def write_motion(
    target: Path, subject: str, reference: str, motions: Mapping[str, np.ndarray]
) -> None:
    """Write the transform from each contrast to the reference as ITK text.

    ``from-A_to-B`` maps points of B into A, as ITK does to resample images of A onto
    B; coordinates are LPS.
    """
    lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    for contrast, motion in motions.items():
        if contrast == reference:
            continue
        matrix = lps @ motion @ np.linalg.inv(motions[reference]) @ lps
        numbers = [*matrix[:3, :3].ravel(), *matrix[:3, 3]]
        name = f"{subject}_from-{contrast}_to-{reference}_mode-image_xfm.txt"
        write_text(
            target / "derivatives/truth" / subject / "anat" / name,
            "#Insight Transform File V1.0\n#Transform 0\n"
            "Transform: AffineTransform_double_3_3\n"
            f"Parameters: {' '.join(repr(float(number)) for number in numbers)}\n"
            "FixedParameters: 0 0 0\n",
        )


def sidecar(contrast: str, site: str, slice_mm: float) -> dict[str, Any]:
    """Return the JSON sidecar of a raw image; times in s, as BIDS asks."""
    protocol = PROTOCOLS[contrast]
    content = {
        "Modality": "MR",
        "Manufacturer": "mribench",
        "ManufacturersModelName": "phantom",
        "InstitutionName": site,
        "MagneticFieldStrength": 1.5,
        "RepetitionTime": protocol.repetition / 1000,
        "EchoTime": protocol.echo / 1000,
        "FlipAngle": protocol.flip,
        "SliceThickness": slice_mm,
    }
    if protocol.inversion is not None:
        content["InversionTime"] = protocol.inversion / 1000
    return content


def _derive(stem: str, array: np.ndarray, scan: Acquisition, source: str, **more: str) -> None:
    write_image(f"{stem}.nii.gz", make_image(array, scan.grid.affine))
    write_json(f"{stem}.json", {"Sources": [source], "SpatialReference": source, **more})
