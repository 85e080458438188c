"""Images as users give them, and what is said where they cannot be used."""

from pathlib import Path

import numpy as np
import pytest

from mribench.application.images import find_dataset
from mribench.config import Dataset
from mribench.dataset.index import index_dataset
from mribench.errors import DataError
from mribench.files import make_image, write_image

CONTRASTS = ["T1w", "FLAIR"]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder with the two images of one person."""
    rng = np.random.default_rng(0)
    for name in CONTRASTS:
        image = make_image(rng.random((6, 7, 5), np.float32), np.diag([1.0, 1, 2, 1]))
        write_image(tmp_path / f"scans/sub-p7_{name}.nii.gz", image)
    return tmp_path / "scans"


def indexed(root: Path) -> list[tuple[str, str]]:
    settings = Dataset.model_validate({"source": str(root), "label": {"given": False}})
    index = index_dataset(root, settings)
    index.require_usable()
    assert {row["labels"] for row in index.scans} == {"n/a"}
    return [(row["case"], row["contrast"]) for row in index.scans]


def test_files_and_folders_become_one_case(scans: Path, tmp_path: Path) -> None:
    pairs = [f"{name}={scans}/sub-p7_{name}.nii.gz" for name in CONTRASTS]
    for number, given in enumerate((pairs, pairs[::-1], [str(scans)])):
        root = find_dataset(given, CONTRASTS, tmp_path / f"work{number}")
        assert indexed(root) == [("sub-p7", "T1w"), ("sub-p7", "FLAIR")]


def test_a_bids_data_set_is_read_in_place(scans: Path, tmp_path: Path) -> None:
    for person in ("sub-1", "sub-2"):
        (tmp_path / "bids" / person / "anat").mkdir(parents=True)
        for name in CONTRASTS:
            target = tmp_path / f"bids/{person}/anat/{person}_{name}.nii.gz"
            target.symlink_to(scans / f"sub-p7_{name}.nii.gz")
    root = find_dataset([str(tmp_path / "bids")], CONTRASTS, tmp_path / "work")
    assert root == (tmp_path / "bids").resolve()
    assert len(indexed(root)) == 4


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["FLAIR={}/sub-p7_FLAIR.nii.gz"], "found no T1w; expected T1w=<file> FLAIR=<file>"),
        (["T1w={0}/a.nii.gz", "FLAIR={0}/sub-p7_FLAIR.nii.gz"], "found no such file"),
        (["T1w={0}", "FLAIR={0}/sub-p7_FLAIR.nii.gz"], "found no such file"),
        (
            ["T1w={0}/sub-p7_T1w.nii.gz", "FLAIR={0}/sub-p7_FLAIR.nii.gz", "T2w={0}/x.nii"],
            "found T2w; expected T1w=<file> FLAIR=<file>",
        ),
        (["{}/nowhere"], "found 0 files that end with T1w.nii.gz or T1w.nii"),
    ],
)
def test_bad_input_gives_one_line(scans: Path, tmp_path: Path, given: list[str], line: str) -> None:
    with pytest.raises(DataError, match="--images: ") as caught:
        find_dataset([text.format(scans) for text in given], CONTRASTS, tmp_path / "work")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_images_of_another_shape_are_named(scans: Path, tmp_path: Path) -> None:
    series = make_image(np.random.default_rng(0).random((6, 7, 5, 3)), np.eye(4))
    write_image(scans / "sub-p7_FLAIR.nii.gz", series)
    root = find_dataset([str(scans)], CONTRASTS, tmp_path / "work")
    with pytest.raises(DataError, match="4D with 6 x 7 x 5 x 3 voxels; expected one 3D image"):
        indexed(root)
