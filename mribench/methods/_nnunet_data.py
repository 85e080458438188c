"""Cases of a store as a data set of nnU-Net: images, labels, ``dataset.json`` and the splits."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files
from mribench.errors import TrainingError, describe
from mribench.training.store import Case

IGNORE = 255
ENDING = ".nii"


def write_dataset(
    folder: Path, cases: Sequence[Case], contrasts: Sequence[str], classes: Sequence[str]
) -> None:
    """Write cases in nnU-Net's raw format (nnunetv2, documentation/dataset_format.md).

    Parameters
    ----------
    folder
        The data set's folder, ``nnUNet_raw/DatasetXXX_name``.
    cases
        Training and validation cases of the fold, and no others: what nnU-Net derives from
        them is seen by no test case.
    contrasts
        Channels of the images.
    classes
        Names of the values 1, 2, … of the labels. Voxels with 255 get nnU-Net's ignore label,
        which is declared only where there are any.

    Raises
    ------
    TrainingError
        If a case has no reference label.
    """
    ignored = 1 + len(classes)
    any_ignored = False
    for case in cases:
        require_labels(case)
        for channel, image in enumerate(np.asarray(case.images, dtype=np.float32)):
            path = folder / "imagesTr" / f"{case.name}_{channel:04d}{ENDING}"
            files.write_image(path, files.make_image(image, case.affine))
        labels = np.array(case.labels)
        any_ignored |= bool((labels == IGNORE).any())
        labels[labels == IGNORE] = ignored
        path = folder / "labelsTr" / f"{case.name}{ENDING}"
        files.write_image(path, files.make_image(labels, case.affine))
    values = {name: value for value, name in enumerate(("background", *classes))}
    content = {
        "channel_names": {str(index): name for index, name in enumerate(contrasts)},
        "labels": values | ({"ignore": ignored} if any_ignored else {}),
        "numTraining": len(cases),
        "file_ending": ENDING,
        "overwrite_image_reader_writer": "NibabelIO",
    }
    files.write_json(folder / "dataset.json", content)


def require_labels(case: Case) -> None:
    """Refuse a case without a reference label.

    Raises
    ------
    TrainingError
        With the case's name.
    """
    if case.labelled:
        return
    raise TrainingError(
        describe(
            subject=case.name,
            file="training cases",
            found="no reference label",
            expected="one",
            remedy="change protocol.split, or add the label to the data set",
        )
    )


def splits(training: Iterable[str], validation: Iterable[str]) -> list[dict[str, Any]]:
    """Return the content of ``splits_final.json``: one fold, ours.

    Without validation cases the training cases stand in, as for all methods.
    """
    trained = list(training)
    return [{"train": trained, "val": list(validation) or trained}]
