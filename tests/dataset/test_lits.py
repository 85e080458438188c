"""The LiTS release becomes a BIDS data set whose masks hold what the study asks for."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from mribench.config import Dataset
from mribench.dataset.index import index_dataset
from mribench.dataset.recipes import lits
from mribench.errors import ConfigError, DataError
from mribench.files import read_image, read_table

AFFINE = np.diag([2.0, 2, 5, 1])


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two scans in two folders, one of them packed."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 300, (12, 11, 6)).astype(np.int16)
    labels = np.zeros(values.shape, np.uint8)
    labels[2:8, 2:8] = 1
    labels[4:6, 4:6, 3] = 2
    for folder, number, end in (("Training Batch 1", 3, "nii"), ("Training Batch 2", 28, "nii.gz")):
        (tmp_path / "LiTS" / folder).mkdir(parents=True)
        for stem, array in (("volume", values), ("segmentation", labels)):
            path = tmp_path / "LiTS" / folder / f"{stem}-{number}.{end}"
            nibabel.save(nibabel.Nifti1Image(array, AFFINE), path)
    return tmp_path / "LiTS"


def settings(source: Path, name: str, values: dict[str, int]) -> Dataset:
    label = {"name": name, "values": values}
    content = {"recipe": "lits", "source": str(source), "contrasts": ["CT"], "label": label}
    return Dataset.model_validate(content)


@pytest.mark.parametrize(
    ("name", "values", "voxels"),
    [
        ("tumour", {"tumour": 1}, 4),
        ("liver", {"liver": 1}, 36 * 6),
        ("dseg", {"liver": 1, "tumour": 2}, 36 * 6),
    ],
)
def test_labels_hold_what_is_asked_for(
    release: Path, tmp_path: Path, name: str, values: dict[str, int], voxels: int
) -> None:
    chosen, target = settings(release, name, values), tmp_path / "bids"
    lits.convert(release, target, chosen)
    index = index_dataset(target, chosen)
    assert index.problems == []
    assert [row["case"] for row in index.scans] == ["sub-003", "sub-028"]
    assert [row["group"] for row in read_table(target / "participants.tsv")] == ["batch1", "batch2"]
    for row in index.scans:
        label = np.asanyarray(read_image(target / row["labels"]).dataobj)
        assert sorted(np.unique(label)) == [0, *values.values()]
        assert (label > 0).sum() == voxels
    first, second = (read_image(target / row["path"]) for row in index.scans)
    assert first.get_fdata().min() < -300
    assert np.array_equal(first.dataobj, second.dataobj)


def test_other_labels_and_other_folders_are_refused(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found lesion; expected one of tumour, liver, dseg"):
        lits.convert(release, tmp_path / "bids", settings(release, "lesion", {"lesion": 1}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="volume-<number>.nii"):
        lits.convert(
            tmp_path / "empty", tmp_path / "bids", settings(release, "liver", {"liver": 1})
        )
