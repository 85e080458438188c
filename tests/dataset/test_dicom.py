"""DICOM series become a BIDS data set, by the real dcm2niix."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from dataset_samples import add_image

pytest.importorskip("pydicom")
pytest.importorskip("nipype")
from dicom_samples import write_series

from mribench.config import Dataset
from mribench.dataset.index import index_dataset
from mribench.dataset.recipes import dicom
from mribench.errors import DataError, ToolError
from mribench.files import read_image, read_json

SHAPE, SPACING = (12, 16, 9), (1.5, 0.8, 2.0)
CORNER = np.array([-20.0, 11.0, -7.0])
needs_program = pytest.mark.skipif(
    shutil.which("dcm2niix") is None, reason="see tests/install_system_packages.sh"
)


def turned() -> np.ndarray:
    """Directions of a slightly oblique, nearly sagittal series."""
    first = np.array([0.05, 0.99, -0.1])
    second = np.array([0.02, -0.12, -0.99])
    first /= np.linalg.norm(first)
    second -= first * (first @ second)
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=1)


def volume(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (100 * seed + random.integers(0, 900, SHAPE)).astype(np.uint16)


def settings(source: Path, **given: object) -> Dataset:
    return Dataset.model_validate({"recipe": "dicom", "source": str(source), **given})


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two people, one with a session, two contrasts, and a series that nobody asked for."""
    source = tmp_path / "from the scanner é"
    for seed, person in enumerate(("sub-01", "sub-02/ses-1"), start=1):
        for contrast in ("T1w", "FLAIR", "localizer"):
            folder = source / person / contrast
            write_series(folder, volume(seed), turned(), SPACING, CORNER)
    return source


@needs_program
def test_voxels_keep_value_and_place(tmp_path: Path, scans: Path) -> None:
    target = tmp_path / "bids"
    dicom.convert(scans, target, settings(scans))
    image = read_image(target / "sub-02/ses-1/anat/sub-02_ses-1_FLAIR.nii.gz")
    array = np.asanyarray(image.dataobj)
    lps_to_ras = np.diag([-1.0, -1, 1])
    directions, truth = lps_to_ras @ turned() * SPACING, volume(2)
    to_index = np.linalg.inv(image.affine)
    for place in np.argwhere(truth > 0)[::97]:
        point = directions @ place + lps_to_ras @ CORNER
        index = (to_index @ [*point, 1])[:3]
        np.testing.assert_allclose(index, index.round(), atol=1e-3)
        assert array[tuple(index.round().astype(int))] == truth[tuple(place)]
    assert sorted(path.name for path in target.glob("sub-01/anat/*")) == [
        f"sub-01_{contrast}.{end}" for contrast in ("FLAIR", "T1w") for end in ("json", "nii.gz")
    ]


@needs_program
def test_data_set_is_usable_and_names_nobody(tmp_path: Path, scans: Path) -> None:
    first, second = tmp_path / "a/bids", tmp_path / "b/bids"
    (scans / "participants.tsv").write_text("participant_id\tsite\nsub-01\tHere\nsub-02\tThere\n")
    dicom.convert(scans, first, settings(scans))
    for person in ("sub-01", "sub-02/ses-1"):
        case = person.replace("/", "_")
        image = read_image(first / person / f"anat/{case}_FLAIR.nii.gz")
        label = f"derivatives/manual/{person}/anat/{case}_label-lesion_mask.nii.gz"
        lesion = (np.arange(np.prod(image.shape)).reshape(image.shape) < 7).astype(np.uint8)
        add_image(scans, label, lesion, image.affine)
    dicom.convert(scans, second, settings(scans))
    index = index_dataset(second, settings(scans))
    assert index.problems == []
    assert [row["case"] for row in index.scans] == ["sub-01"] * 2 + ["sub-02_ses-1"] * 2
    assert index.scans[0]["site"] == "Here"
    sidecar = read_json(second / "sub-01/anat/sub-01_T1w.json")
    assert sidecar["RepetitionTime"] == 2.3
    everything = b"".join(path.read_bytes() for path in second.rglob("*.json"))
    assert b"Doe" not in everything
    assert b"4711" not in everything
    one, two = (folder / "sub-01/anat/sub-01_T1w.nii.gz" for folder in (first, second))
    assert one.read_bytes() == two.read_bytes()


@needs_program
def test_two_series_in_one_folder_are_told(tmp_path: Path, scans: Path) -> None:
    write_series(scans / "sub-01/T1w/again", volume(5), turned(), (1.0, 1.0, 1.0), CORNER)
    with pytest.raises(ToolError, match=r"sub-01: .*sub-01/T1w: found dcm2niix with 2 images"):
        dicom.convert(scans, tmp_path / "bids", settings(scans))
    assert not (tmp_path / "bids").exists()


@needs_program
def test_files_that_are_no_dicom_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "source/sub-03/T1w"
    folder.mkdir(parents=True)
    (folder / "IM0001").write_text("not at all")
    with pytest.raises(ToolError, match=r"sub-03: .*sub-03/T1w: found dcm2niix with "):
        dicom.convert(tmp_path / "source", tmp_path / "bids", settings(tmp_path / "source"))


def test_a_missing_program_is_told_in_one_line(tmp_path: Path, scans: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"no dcm2niix on the PATH.*apt install dcm2niix"):
        dicom.convert(scans, tmp_path / "bids", settings(scans))


def test_folders_without_series(tmp_path: Path) -> None:
    (tmp_path / "source/sub-01/anat").mkdir(parents=True)
    with pytest.raises(DataError, match="expected folders sub-<name>/<contrast>"):
        dicom.convert(tmp_path / "source", tmp_path / "bids", settings(tmp_path / "source"))
