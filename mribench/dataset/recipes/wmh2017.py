"""Import the public release of the WMH segmentation challenge: five scanners, 170 people.

`dataset.source` is the unpacked release, or its folder ``training`` or ``test``. Each
person's folder holds ``wmh.nii.gz`` and the images in ``pre`` and ``orig``. The images in
``pre`` are taken, where there are any: bias-corrected, the T1 brought onto the FLAIR's grid
by the organisers, and used in the published results. In the labels 1 is a white matter
hyperintensity and 2 is other pathology, which is not scored: set `dataset.label` to
``{name: dseg, values: {lesion: 1}, ignore: [2]}``.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mribench.config import Dataset
from mribench.dataset.folders import require_folder
from mribench.dataset.releases import Person, Release, first_file, require_people, write_release

LAYOUT = "folders <site>/<number> with wmh.nii.gz and pre/FLAIR.nii.gz and pre/T1.nii.gz"
IMAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "pre": {"T1w": ("T1.nii.gz",), "FLAIR": ("FLAIR.nii.gz",)},
    "orig": {"T1w": ("3DT1.nii.gz", "T1.nii.gz"), "FLAIR": ("FLAIR.nii.gz",)},
}
PARTS = ("training", "test")
SKIPPED = ("additional_annotations",)
SCANNERS: dict[str, dict[str, object]] = {
    "Utrecht": {"Manufacturer": "Philips", "MagneticFieldStrength": 3},
    "Singapore": {"Manufacturer": "Siemens", "MagneticFieldStrength": 3},
    "AmsterdamGE3T": {"Manufacturer": "GE", "MagneticFieldStrength": 3},
    "AmsterdamGE1T5": {"Manufacturer": "GE", "MagneticFieldStrength": 1.5},
    "AmsterdamPhilipsVUPETMR01": {"Manufacturer": "Philips", "MagneticFieldStrength": 3},
}
RELEASE = Release(
    name="White matter hyperintensity segmentation challenge",
    license="See https://doi.org/10.34894/AECRSD",
    authors=(
        *("Hugo J. Kuijf", "J. Matthijs Biesbroek", "Jeroen de Bresser", "Rutger Heinen"),
        *("Christopher Chen", "Wiesje van der Flier", "Frederik Barkhof"),
        *("Max A. Viergever", "Geert Jan Biessels"),
    ),
    acknowledge="Cite Kuijf et al., IEEE Transactions on Medical Imaging 2019, "
    "doi:10.1109/TMI.2019.2905770",
    links=("https://doi.org/10.34894/AECRSD", "https://doi.org/10.1109/TMI.2019.2905770"),
    text="""# White matter hyperintensity segmentation challenge

T1-weighted and FLAIR images from five scanners, with manual segmentations: 1 is a white
matter hyperintensity, 2 is other pathology. The files are copies of the published ones,
renamed. The column group of participants.tsv tells the challenge's training and test part.
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
        If nobody is found, or files cannot be used.
    """
    require_folder(source)
    people = sorted(_people(source), key=lambda person: person.name)
    require_people(people, source, LAYOUT)
    write_release(source, target, RELEASE, people, settings)


def _people(source: Path) -> Iterator[Person]:
    for folder in _folders(source):
        for part, names in IMAGES.items():
            found = {contrast: first_file(folder / part, names[contrast]) for contrast in names}
            images = {contrast: path for contrast, path in found.items() if path is not None}
            if "FLAIR" in images:
                yield _person(source, folder, images)
                break


def _folders(source: Path) -> Iterator[Path]:
    """Yield the folders of people; links to folders are not followed."""
    for folder, subfolders, files in os.walk(source):
        subfolders[:] = sorted(name for name in subfolders if name not in SKIPPED)
        if "wmh.nii.gz" in files:
            subfolders.clear()
            yield Path(folder)


def _person(source: Path, folder: Path, images: dict[str, Path]) -> Person:
    inside = folder.relative_to(source).parts[:-1]
    parts = [part for part in (source.resolve().name, *inside) if part in PARTS]
    site = _letters("".join(part for part in inside if part not in PARTS))
    site = site or _letters(source.resolve().name)
    participant = {"site": site, "group": parts[0] if parts else "n/a"}
    name = site + _letters(folder.name)
    return Person(name, images, folder / "wmh.nii.gz", participant, SCANNERS.get(site, {}))


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)
