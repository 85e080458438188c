from pathlib import Path

import nibabel
import numpy as np
import pytest

from mribench.config import Phantoms
from mribench.dataset.phantoms.given import given_source, shrink
from mribench.dataset.phantoms.simulate import simulate
from mribench.errors import DataError, GeometryError
from mribench.files import make_image, read_image, write_image

ONE_MM = {"only": {"spacing": (1, 1, 1), "noise": 0.02}}


def simulate_given(folder: Path, target: Path, **more: object) -> Path:
    keys = {"subjects": 1, "sites": ONE_MM, "deformation_mm": 0, "motion_mm": 0, **more}
    settings = Phantoms.model_validate({"anatomy": (str(folder),), **keys})
    simulate(settings, ("FLAIR",), target, workers=1)
    return target / "derivatives"


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def onto_truth(labels: nibabel.Nifti1Image, truth: nibabel.Nifti1Image) -> np.ndarray:
    """Nearest voxel of a label map at each voxel of a truth image, by brute force."""
    matrix = np.linalg.inv(labels.affine) @ truth.affine
    index = np.indices(truth.shape).reshape(3, -1)
    there = np.rint(matrix[:3, :3] @ index + matrix[:3, 3:]).astype(int)
    size = np.array(labels.shape)[:, None]
    known = ((there >= 0) & (there < size)).all(axis=0)
    found = np.zeros(index.shape[1], np.uint8)
    found[known] = np.asarray(labels.dataobj)[tuple(there[:, known])]
    return found.reshape(truth.shape)


def check_against(folder: Path, derivatives: Path, labels_name: str, least: float) -> None:
    stem = derivatives / "truth/sub-01/anat/sub-01_space-FLAIR"
    truth = nibabel.load(f"{stem}_dseg.nii.gz")
    given = nibabel.load(folder / labels_name)
    labels = onto_truth(given, truth)
    marked = np.asarray(nibabel.load(folder / "lesion_mask.nii.gz").dataobj)
    lesions = onto_truth(make_image(marked, given.affine), truth) > 0
    made = np.asarray(truth.dataobj)
    for label, bids in ((1, 3), (2, 1), (3, 2)):
        assert dice((labels == label) & ~lesions, (made == bids) & ~lesions) > least
    manual = derivatives / "manual/sub-01/anat/sub-01_space-FLAIR_label-lesion_mask.nii.gz"
    assert dice(np.asarray(nibabel.load(manual).dataobj) > 0, lesions) > 0.8


def test_made_up_person_keeps_tissues_and_lesions(person, tmp_path):
    derivatives = simulate_given(person, tmp_path / "bids")
    check_against(person, derivatives, "dseg.nii.gz", least=0.9)


def test_source_is_found_again_whatever_the_stored_orientation(person):
    before = given_source(str(person))
    for name in ("dseg.nii.gz", "lesion_mask.nii.gz"):
        turned = read_image(person / name).as_reoriented(np.array([[2, 1], [0, -1], [1, 1]]))
        write_image(person / name, turned)
    given_source.cache_clear()
    after = given_source(str(person))
    np.testing.assert_allclose(after.white, before.white, atol=1e-5)
    np.testing.assert_allclose(after.grid.affine, before.grid.affine)


def test_shrinking_keeps_volume_and_place():
    mask = np.zeros((20, 30, 30), bool)
    mask[4:9, 10:20, 8:22] = True
    affine = np.diag([0.8, -0.47, 0.47, 1.0])
    small, moved = shrink(mask, affine)
    assert small.shape == (20, 15, 15)
    for array, frame in ((mask, affine), (small, moved)):
        volume = array.sum() * abs(np.linalg.det(frame))
        assert volume == pytest.approx(5 * 10 * 14 * 0.8 * 0.47**2, rel=1e-6)
        middle = [
            (array.sum(axis=axes) * np.arange(size)).sum() / array.sum()
            for axes, size in zip(((1, 2), (0, 2), (0, 1)), array.shape, strict=True)
        ]
        np.testing.assert_allclose(
            (frame @ [*middle, 1])[:3], (affine @ [6, 14.5, 14.5, 1])[:3], atol=1e-5
        )


def test_missing_and_wrong_files_are_named(person, tmp_path):
    given_source.cache_clear()
    with pytest.raises(DataError, match=r"dseg.nii.gz: found no such file"):
        given_source(str(tmp_path / "nobody"))
    labels = read_image(person / "dseg.nii.gz")
    wrong = np.asarray(labels.dataobj) * 4
    write_image(person / "dseg.nii.gz", make_image(wrong, labels.affine))
    with pytest.raises(DataError, match=r"found values \[0, 4, 8, 12\]"):
        given_source(str(person))
    moved = labels.affine.copy()
    moved[0, 3] += 5
    write_image(person / "dseg.nii.gz", make_image(np.asarray(labels.dataobj), moved))
    with pytest.raises(GeometryError, match="lesion_mask.nii.gz"):
        given_source(str(person))
    (person / "lesion_mask.nii.gz").unlink()
    with pytest.raises(DataError, match="lesion_mask.nii.gz: found no such file"):
        given_source(str(person))


@pytest.mark.slow
def test_real_anatomy_keeps_tissues_and_lesions(real_data, tmp_path):
    folder = real_data / "anatomy" / "patient01"
    derivatives = simulate_given(folder, tmp_path / "bids")
    check_against(folder, derivatives, "tissue_fast.nii.gz", least=0.85)
