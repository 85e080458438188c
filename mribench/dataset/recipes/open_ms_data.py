"""Import the cross-sectional part of open_ms_data: 30 people with multiple sclerosis, 3 T.

The repository holds each person three times: ``raw`` (as scanned), ``coregistered``
(bias-corrected, on the FLAIR's grid) and ``MNI`` (skull-stripped, 1 mm, in MNI space).
`dataset.source` is one of these folders, or a folder above that holds one of them only.
The archive of the data's authors, with the person's name before each file name, is read
too. The longitudinal part has masks of lesion change, not of lesions, and is not read.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mribench.config import Dataset
from mribench.dataset.folders import require_folder
from mribench.dataset.releases import Person, Release, first_file, require_people, write_release
from mribench.errors import DataError, describe

LAYOUT = "folders patient<number> with FLAIR and consensus_gt or GOLD_STANDARD"
MNI_IMAGE = "{}_N4_noneck_reduced_winsor_regtoFLAIR_brain_N4_regtoMNI"
MNI_LABEL = "GOLD_STANDARD_N4_noneck_reduced_winsor_regtoFLAIR_regtoMNI"
STEMS = {
    "T1w": ("T1W", MNI_IMAGE.format("T1")),
    "ce-gadolinium_T1w": ("T1WKS", MNI_IMAGE.format("T1POST")),
    "T2w": ("T2W", MNI_IMAGE.format("T2")),
    "FLAIR": ("FLAIR", MNI_IMAGE.format("FLAIR")),
}
LABELS = ("consensus_gt", MNI_LABEL)
DEMOGRAPHICS = re.compile(r"\| *patient(\d+) *\| *(\d+|NA) *\| *([FM]|NA) *\| *(\w+) *\|.*")
SCANNER = {
    "Manufacturer": "Siemens",
    "ManufacturersModelName": "Magnetom Trio",
    "MagneticFieldStrength": 3,
}
RELEASE = Release(
    name="3D MR image database of multiple sclerosis patients with lesion segmentations",
    license="CC-BY",
    authors=(
        *("Žiga Lesjak", "Alfiia Galimzianova", "Aleš Koren", "Matej Lukin"),
        *("Franjo Pernuš", "Boštjan Likar", "Žiga Špiclin"),
    ),
    acknowledge="Cite Lesjak et al., Neuroinformatics 2017, doi:10.1007/s12021-017-9348-7",
    links=(
        "https://doi.org/10.1007/s12021-017-9348-7",
        "https://github.com/muschellij2/open_ms_data",
    ),
    text="""# open_ms_data, cross-sectional

MR images of people with multiple sclerosis and lesion masks that three raters agreed on,
from the Laboratory of Imaging Technologies, University of Ljubljana. The files are copies
of the published ones, renamed. Images in MNI space are without skull and carry small
negative values from interpolation.
""",
)


def convert(source: Path, target: Path, settings: Dataset) -> None:
    """Write the release as a BIDS data set.

    Parameters
    ----------
    source
        See the text of this module.
    target
        Folder to make.
    settings
        The data set's settings; the label's name is used.

    Raises
    ------
    DataError
        If `source` holds none or several of the layouts, or files cannot be used.
    """
    require_folder(source)
    folder = find_layout(source)
    people = list(_people(folder, _demographics(source)))
    require_people(people, source, LAYOUT)
    write_release(source, target, RELEASE, people, settings)


def find_layout(source: Path) -> Path:
    """Return the folder that holds the folders of the patients.

    Raises
    ------
    DataError
        If several folders under `source` do, because they hold the same people.
    """
    if _patients(source):
        return source
    parts = ("raw", "coregistered", "MNI")
    candidates = [source / above / part for above in ("", "cross_sectional") for part in parts]
    found = [folder for folder in candidates if _patients(folder)]
    if len(found) > 1:
        raise DataError(
            describe(
                subject="dataset.source",
                file=source,
                found=f"the same people in {' and '.join(str(folder) for folder in found)}",
                expected="one of them",
                remedy="set dataset.source to the folder that is meant",
            )
        )
    return found[0] if found else source


def _patients(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if re.fullmatch(r"patient\d+", path.name))


def _people(folder: Path, demographics: dict[str, dict[str, str]]) -> Iterator[Person]:
    stripped = {"SkullStripped": True} if folder.name == "MNI" else {}
    for patient in _patients(folder):
        label = _find(patient, LABELS)
        found = {contrast: _find(patient, stems) for contrast, stems in STEMS.items()}
        images = {contrast: path for contrast, path in found.items() if path is not None}
        if label is not None and "FLAIR" in images:
            number = patient.name.removeprefix("patient")
            person = {"site": "Ljubljana", **demographics.get(number, {})}
            yield Person(number, images, label, person, {**SCANNER, **stripped})


def _find(patient: Path, stems: tuple[str, ...]) -> Path | None:
    names = [f"{prefix}{stem}.nii.gz" for stem in stems for prefix in ("", f"{patient.name}_")]
    return first_file(patient, names)


def _demographics(source: Path) -> dict[str, dict[str, str]]:
    """Read age, sex and type of the disease from the table in the repository's README."""
    readme = source / "README.md"
    lines = readme.read_text(encoding="utf-8").splitlines() if readme.is_file() else []
    found = (DEMOGRAPHICS.fullmatch(line) for line in lines)
    return {
        match[1]: {
            key: "n/a" if value == "NA" else value
            for key, value in zip(("age", "sex", "group"), match.groups()[1:], strict=True)
        }
        for match in found
        if match is not None
    }
