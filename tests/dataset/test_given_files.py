"""Brain masks and tissue labels of a data set's own are found and checked when indexing."""

from pathlib import Path

import numpy as np
import pytest
from dataset_samples import AFFINE, SHAPE, add_case, add_image, image_path

from mribench.config import Dataset
from mribench.dataset.index import SCAN_COLUMNS, index_dataset
from mribench.errors import ConfigError
from mribench.files import checksum

MASK = "derivatives/prep/{0}/anat/{0}_desc-brain_mask.nii.gz"
TISSUES = "derivatives/prep/{0}/anat/{0}_dseg.nii.gz"
BOTH = {"brain_mask": {}, "tissues": {}}


@pytest.fixture
def full(bids: Path) -> Path:
    """The three subjects with a mask and labels each."""
    for number in (1, 2, 3):
        for pattern in (MASK, TISSUES):
            array = np.zeros(SHAPE, np.uint8)
            array[2:5, 2:6, 1:4] = number
            add_image(bids, pattern.format(f"sub-0{number}"), array)
    return bids


def index_of(root: Path, **given: object):
    return index_dataset(root, Dataset.model_validate({"source": str(root), **given}))


def test_files_are_listed_with_checksums(full: Path) -> None:
    index = index_of(full, **BOTH)
    assert index.problems == []
    for row in index.scans:
        assert set(row) == set(SCAN_COLUMNS)
        assert row["brain_mask"] == MASK.format(row["case"])
        assert row["tissues_checksum"] == checksum(full / TISSUES.format(row["case"]))


def test_undeclared_files_are_left_alone(full: Path) -> None:
    index = index_of(full)
    assert {row["brain_mask"] for row in index.scans} == {"n/a"}
    assert {row["tissues_checksum"] for row in index.scans} == {"n/a"}


def test_space_of_another_contrast_does_not_count(full: Path) -> None:
    name = MASK.format("sub-01").replace("_desc", "_space-MNI152NLin6Asym_desc")
    add_image(full, name, np.ones((4, 4, 4), np.uint8))
    index = index_of(full, **BOTH)
    assert index.problems == []


def test_pattern_says_where_the_files_are(full: Path) -> None:
    add_image(full, "derivatives/own/sub-01.nii.gz", np.ones(SHAPE, np.uint8))
    given = {"brain_mask": {"pattern": "derivatives/own/{subject}.nii.gz"}}
    index = index_of(full, on_problem="drop", **given)
    assert [row["case"] for row in index.scans] == ["sub-01", "sub-01"]
    assert {problem.found for problem in index.problems} == {"no brain mask file"}
    with pytest.raises(ConfigError, match=r"dataset\.brain_mask\.pattern: .* leads out"):
        index_of(full, brain_mask={"pattern": "../{subject}.nii.gz"})


SPOILT = {
    "missing": (None, AFFINE, "no brain mask file"),
    "empty": (np.zeros(SHAPE, np.uint8), AFFINE, "an empty file: no voxel above 0"),
    "shape": (np.ones((4, 9, 7), np.uint8), AFFINE, "a label on another grid"),
    "affine": (np.ones(SHAPE, np.uint8), AFFINE + 0.3 * np.eye(4)[:, [3, 0, 1, 2]], "affines of"),
    "nan": (np.full(SHAPE, np.nan, np.float32), AFFINE, "NaN or infinity"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_spoilt_files_are_told(full: Path, case: str) -> None:
    array, affine, message = SPOILT[case]
    path = full / MASK.format("sub-02")
    path.unlink()
    if array is not None:
        add_image(full, MASK.format("sub-02"), array, affine)
    problems = index_of(full, **BOTH).problems
    assert [(problem.case, problem.file) for problem in problems] == [
        ("sub-02", MASK.format("sub-02") if case != "missing" else problems[0].file)
    ]
    assert problems[0].found.startswith(message)


def test_grid_is_that_of_the_declared_contrast(bids: Path) -> None:
    fine = AFFINE @ np.diag([0.5, 1, 1, 1])
    add_case(bids, "sub-04")
    for number in (1, 2, 3, 4):
        case = f"sub-0{number}"
        add_image(bids, image_path(case, "T1w"), None, fine)
        add_image(bids, MASK.format(case), np.ones(SHAPE, np.uint8), fine)
    assert index_of(bids, brain_mask={"contrast": "T1w"}).problems == []
    problems = index_of(bids, brain_mask={"contrast": "FLAIR"}).problems
    assert len(problems) == 4
