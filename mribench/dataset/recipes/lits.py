"""Import the liver tumour segmentation benchmark (LiTS): 131 abdominal CT scans.

`dataset.source` is the folder with ``volume-<number>.nii`` and ``segmentation-<number>.nii``, or
one above it, such as that of both training batches. Labels hold 1 for liver and 2 for tumour.
`dataset.label.name` says what is wanted: ``tumour`` or ``liver`` (tumours included) write masks
of 0 and 1, ``dseg`` copies the labels. The contrast is ``CT``, in Hounsfield units.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mribench.config import Dataset
from mribench.dataset.folders import require_folder
from mribench.dataset.releases import Person, Release, first_file, require_people, write_release
from mribench.errors import ConfigError

LAYOUT = "volume-<number>.nii beside segmentation-<number>.nii"
VOLUME = re.compile(r"volume-(\d+)\.nii(\.gz)?")
MASK_OF: dict[str, tuple[int, ...]] = {"tumour": (2,), "liver": (1, 2), "dseg": ()}
LAST_OF_BATCH_1 = 27
RELEASE = Release(
    name="Liver tumor segmentation benchmark (LiTS)",
    license="CC-BY-NC-SA-4.0",
    authors=("Patrick Bilic", "Patrick Christ", "Hongwei Bran Li", "Bjoern Menze"),
    acknowledge="Cite Bilic et al., Medical Image Analysis 2023, doi:10.1016/j.media.2022.102680",
    links=("https://doi.org/10.1016/j.media.2022.102680", "https://arxiv.org/abs/1901.04056"),
    text="""# Liver tumor segmentation benchmark

Contrast-enhanced CT of the abdomen with labels of liver and tumours. The images are copies of the
published ones, renamed and packed. The column group of participants.tsv tells the training batch.
BIDS has no form for CT yet: the images stand in anat with the suffix CT.
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
        The data set's settings; the label's name decides what is taken from the labels.

    Raises
    ------
    ConfigError
        If the label has another name.
    DataError
        If nobody is found, or files cannot be used.
    """
    require_folder(source)
    if settings.label.name not in MASK_OF:
        known = ", ".join(MASK_OF)
        raise ConfigError(
            f"dataset.label.name: found {settings.label.name}; expected one of {known}; "
            "the release has labels of these only"
        )
    people = sorted(_people(source, MASK_OF[settings.label.name]), key=lambda one: one.name)
    require_people(people, source, LAYOUT)
    write_release(source, target, RELEASE, people, settings)


def _people(source: Path, mask_of: tuple[int, ...]) -> Iterator[Person]:
    for path in source.rglob("volume-*.nii*"):
        match = VOLUME.fullmatch(path.name)
        ends = (".nii", ".nii.gz")
        names = [f"segmentation-{match[1]}{end}" for end in ends] if match else []
        label = first_file(path.parent, names)
        if match and label is not None:
            number = int(match[1])
            group = "batch1" if number <= LAST_OF_BATCH_1 else "batch2"
            name, image, about = f"{number:03d}", {"CT": path}, {"Modality": "CT"}
            yield Person(name, image, label, {"group": group}, about, "CT", mask_of)
