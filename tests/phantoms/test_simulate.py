import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from mribench.config import Phantoms
from mribench.dataset.geometry import Grid
from mribench.dataset.phantoms.scanner import sample
from mribench.dataset.phantoms.simulate import simulate
from mribench.errors import ConfigError, DataError
from mribench.files import read_table

CONTRASTS = ("T1w", "FLAIR")
SUBJECTS = ("sub-01", "sub-02")


def truth(data_set: Path, subject: str, name: str) -> nibabel.Nifti1Image:
    return nibabel.load(data_set / f"derivatives/truth/{subject}/anat/{subject}_{name}.nii.gz")


def array(data_set: Path, subject: str, name: str) -> np.ndarray:
    return np.asarray(truth(data_set, subject, name).dataobj)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_any_number_of_workers_gives_the_same_bytes(data_set, settings, tmp_path):
    simulate(settings, CONTRASTS, tmp_path / "again", workers=1)
    first, second = files_of(data_set), files_of(tmp_path / "again")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_participants_are_dealt_to_the_sites_in_turn(data_set):
    rows = read_table(data_set / "participants.tsv")
    assert [row["participant_id"] for row in rows] == list(SUBJECTS)
    assert [row["site"] for row in rows] == ["north", "south"]
    assert all(30 <= float(row["age"]) <= 85 for row in rows)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_images_have_the_sites_voxels_and_their_truth_the_same_grid(
    data_set, settings, subject, contrast
):
    site = settings.sites["north" if subject == "sub-01" else "south"]
    expected = site.t1w_spacing if contrast == "T1w" and site.t1w_spacing else site.spacing
    image = nibabel.load(data_set / f"{subject}/anat/{subject}_{contrast}.nii.gz")
    grid = Grid.of(image)
    assert grid.spacing == expected
    assert grid.orientation == "RAS"
    folder = data_set / f"derivatives/truth/{subject}/anat"
    maps = sorted(folder.glob(f"*space-{contrast}_*.nii.gz"))
    assert len(maps) == 7
    for path in maps:
        assert nibabel.load(path).shape == image.shape
        np.testing.assert_array_equal(nibabel.load(path).affine, image.affine)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_tissue_maps_sum_to_one_in_the_brain(data_set, subject, contrast):
    space = f"space-{contrast}"
    brain = array(data_set, subject, f"{space}_desc-brain_mask") > 0
    maps = np.stack(
        [array(data_set, subject, f"{space}_label-{name}_probseg") for name in ("GM", "WM", "CSF")]
    )
    assert maps.min() >= 0
    np.testing.assert_array_equal(maps.sum(axis=0), brain)
    labels = array(data_set, subject, f"{space}_dseg")
    np.testing.assert_array_equal(labels > 0, brain)
    np.testing.assert_array_equal(labels[brain], maps.argmax(axis=0)[brain] + 1)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_lesion_mask_is_half_of_the_lesion_and_mostly_white_matter(data_set, settings, subject):
    name = f"{subject}_space-FLAIR_label-lesion_mask.nii.gz"
    image = nibabel.load(data_set / f"derivatives/manual/{subject}/anat/{name}")
    mask = np.asarray(image.dataobj) > 0
    fraction = array(data_set, subject, "space-FLAIR_label-lesion_probseg")
    np.testing.assert_array_equal(mask, fraction >= 0.5)
    low, high = settings.lesion_ml
    voxel_ml = np.prod(image.header.get_zooms()) / 1000
    assert 0.9 * low < fraction.sum() * voxel_ml < 1.1 * high
    assert array(data_set, subject, "space-FLAIR_dseg")[mask].mean() == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_lesions_are_bright_on_flair_and_not_on_t1w(data_set, subject):
    for contrast, brighter in (("FLAIR", True), ("T1w", False)):
        image = nibabel.load(data_set / f"{subject}/anat/{subject}_{contrast}.nii.gz")
        flat = image.get_fdata() / array(data_set, subject, f"space-{contrast}_biasfield")
        lesion = array(data_set, subject, f"space-{contrast}_label-lesion_probseg")
        white = array(data_set, subject, f"space-{contrast}_label-WM_probseg") > 0.95
        inside, outside = flat[lesion > 0.7].mean(), flat[white & (lesion == 0)].mean()
        assert (inside > 1.15 * outside) if brighter else (inside < 0.98 * outside)


def read_itk(path: Path) -> np.ndarray:
    text = dict(line.split(": ") for line in path.read_text().splitlines() if ": " in line)
    numbers = np.array(text["Parameters"].split(), float)
    matrix = np.eye(4)
    matrix[:3] = np.c_[numbers[:9].reshape(3, 3), numbers[9:]]
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    return flip @ matrix @ flip


@pytest.mark.parametrize("subject", SUBJECTS)
def test_transforms_carry_one_truth_onto_the_other(data_set, subject):
    """ITK's map takes FLAIR points to T1w points; `sample` wants the way from T1w to FLAIR."""
    name = f"{subject}_from-T1w_to-FLAIR_mode-image_xfm.txt"
    matrix = read_itk(data_set / f"derivatives/truth/{subject}/anat/{name}")
    assert not np.allclose(matrix, np.eye(4), atol=1e-3)
    moving = truth(data_set, subject, "space-T1w_desc-brain_mask")
    fixed = truth(data_set, subject, "space-FLAIR_desc-brain_mask")
    content = np.asarray(moving.dataobj, np.float32)
    overlaps = []
    for motion in (np.linalg.inv(matrix), matrix):
        moved = sample(content, Grid.of(moving), Grid.of(fixed), motion) > 0.5
        expected = np.asarray(fixed.dataobj) > 0
        overlaps.append(2 * (moved & expected).sum() / (moved.sum() + expected.sum()))
    assert overlaps[0] > 0.985
    assert overlaps[0] > overlaps[1]


def test_transforms_are_what_ants_reads(data_set):
    ants = pytest.importorskip("ants")
    name = "sub-01_from-T1w_to-FLAIR_mode-image_xfm.txt"
    path = data_set / "derivatives/truth/sub-01/anat" / name
    read = ants.read_transform(str(path))
    point = np.array([12.0, -30.0, 25.0])
    flip = np.array([-1.0, -1.0, 1.0])
    expected = (read_itk(path) @ [*(point * flip), 1])[:3] * flip
    np.testing.assert_allclose(read.apply_to_point(list(point)), expected, atol=1e-6)


@pytest.mark.parametrize("part", [".", "derivatives/manual", "derivatives/truth"])
def test_official_validator_finds_no_errors(data_set, part):
    validator = Path(sys.executable).with_name("bids-validator-deno")
    done = subprocess.run(
        [validator, "--format", "json", data_set / part], capture_output=True, check=False
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert done.returncode == 0


def test_old_phantoms_are_replaced_and_other_folders_refused(tmp_path):
    settings = Phantoms.model_validate(
        {"subjects": 1, "sites": {"only": {"spacing": (6, 6, 6)}}, "lesion_ml": (5, 5)}
    )
    target = tmp_path / "données de test"
    target.mkdir()
    (target / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="expected an empty folder"):
        simulate(settings, ("T2w",), target, workers=1)
    assert [path.name for path in target.iterdir()] == ["thesis.txt"]
    (target / "thesis.txt").unlink()
    simulate(settings, ("T2w", "PDw"), target, workers=1)
    (target / "sub-09").mkdir()
    simulate(settings, ("T2w",), target, workers=1)
    assert not (target / "sub-09").exists()
    anat = target / "derivatives/manual/sub-01/anat"
    assert (anat / "sub-01_space-T2w_label-lesion_mask.nii.gz").exists()
    assert not list(target.rglob("*PDw*"))


def test_unknown_contrast_is_named(settings, tmp_path):
    with pytest.raises(ConfigError, match=r"'ce-gadolinium_T1w' cannot be simulated"):
        simulate(settings, ("ce-gadolinium_T1w",), tmp_path / "bids", workers=1)
    assert not (tmp_path / "bids").exists()
