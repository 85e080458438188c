"""Scoring any two files or folders by hand, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest

from mribench.config import Label
from mribench.errors import ConfigError, DataError, GeometryError
from mribench.files import make_image, read_table, write_image
from mribench.metrics.by_hand import parse_labels, score_files
from mribench.metrics.columns import LESION_SIZE_COLUMNS, METRIC_COLUMNS, VOLUME_COLUMNS
from mribench.metrics.runs import Scoring

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
SHAPE = (12, 10, 6)


def labels(shift=0):
    array = np.zeros(SHAPE, np.uint8)
    array[2 + shift : 6 + shift, 2:6, 2:4] = 1
    return array


@pytest.fixture
def folders(tmp_path):
    made = tmp_path / "my labels", tmp_path / "my model"
    for place, folder in enumerate(made):
        for case in ("sub-1_ses-1", "sub-2"):
            end = "label-lesion_mask" if not place else "dseg"
            write_image(folder / f"{case}_{end}.nii.gz", make_image(labels(place), AFFINE))
    return made


def score(reference, prediction, **keys):
    return score_files(reference, prediction, "mine", Scoring(**keys))


def test_folders_are_matched_by_case(folders):
    tables = score(*folders)
    assert [row["case"] for row in tables.metrics[::5]] == ["sub-1_ses-1", "sub-2"]
    assert {row["subject"] for row in tables.metrics} == {"sub-1", "sub-2"}
    assert tables.metrics[0]["value"] == pytest.approx(2 * 24 / 64)
    assert all(set(row) == set(METRIC_COLUMNS) for row in tables.metrics)
    (first, _) = tables.volumes
    assert set(first) == set(VOLUME_COLUMNS)
    assert (first["reference_ml"], first["prediction_ml"]) == (0.096, 0.096)
    assert all(set(row) == set(LESION_SIZE_COLUMNS) for row in tables.lesion_sizes)
    counts = [(row["low_mm3"], row["reference"], row["found"]) for row in tables.lesion_sizes[:4]]
    assert counts == [(0, 0, 0), (10, 1, 1), (100, 0, 0), (1000, 0, 0)]


def test_two_files_belong_together_whatever_their_names(folders, tmp_path):
    write_image(tmp_path / "other name.nii", make_image(labels(), AFFINE))
    tables = score(folders[0] / "sub-2_label-lesion_mask.nii.gz", tmp_path / "other name.nii")
    assert {row["case"] for row in tables.metrics} == {"sub-2"}
    assert tables.metrics[0]["value"] == 1


def test_names_that_are_no_bids_must_be_the_same(tmp_path):
    for folder in ("a", "b"):
        write_image(tmp_path / folder / "case_007.nii.gz", make_image(labels(), AFFINE))
    assert score(tmp_path / "a", tmp_path / "b").metrics[0]["case"] == "case_007"


def test_missing_and_extra_cases_are_named_and_counted(folders):
    (folders[1] / "sub-2_dseg.nii.gz").rename(folders[1] / "sub-3_dseg.nii.gz")
    with pytest.raises(DataError) as caught:
        score(*folders)
    for part in ("no prediction of sub-2 (1 of 2)", "predictions of other cases: sub-3 (1)"):
        assert part in str(caught.value)


def test_all_cases_that_cannot_be_scored_are_named_at_once(folders):
    wrong = labels().astype(np.float32) * 0.4
    write_image(folders[1] / "sub-1_ses-1_dseg.nii.gz", make_image(wrong, AFFINE))
    shifted = AFFINE.copy()
    shifted[0, 3] = 2
    write_image(folders[1] / "sub-2_dseg.nii.gz", make_image(labels(), shifted))
    with pytest.raises(DataError) as caught:
        score(*folders)
    lines = str(caught.value).splitlines()
    assert lines[0] == "mine: 2 of 2 cases cannot be scored, so none is:"
    assert "sub-1_ses-1: " in lines[1]
    assert "look like probabilities" in lines[1]
    assert "2 mm apart" in lines[2]


@pytest.mark.parametrize(
    ("array", "affine", "error", "message"),
    [
        (labels()[:-1], AFFINE, GeometryError, r"found shape \(12, 10, 6\) against \(11, 10, 6\)"),
        (labels(), np.diag([1, 1, 2.9, 1]), GeometryError, "mm apart"),
        (labels() * 3, AFFINE, DataError, "found label values 3; expected only 0, 1"),
        (np.full(SHAPE, np.nan, np.float32), AFFINE, DataError, "720 voxels that are NaN"),
        (np.full(SHAPE, 0.5, np.float32), AFFINE, DataError, "no whole numbers"),
    ],
)
def test_a_bad_prediction_is_refused(folders, array, affine, error, message):
    path = folders[1] / "sub-2_dseg.nii.gz"
    write_image(path, make_image(array, affine))
    with pytest.raises(error, match=message):
        score(*folders)


def test_a_folder_without_images_or_with_two_of_a_case_is_refused(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="found no image"):
        score(folders[0], tmp_path / "empty")
    write_image(folders[1] / "sub-2_probseg.nii.gz", make_image(labels(), AFFINE))
    with pytest.raises(DataError, match="sub-2_dseg.nii.gz and sub-2_probseg.nii.gz of one case"):
        score(*folders)
    with pytest.raises(ConfigError, match="two files or two folders"):
        score(folders[0], folders[1] / "sub-2_dseg.nii.gz")


def test_a_preset_that_cannot_score_the_label_is_refused(folders):
    with pytest.raises(ConfigError, match="wmh2017 leaves out voxels of value 2"):
        score(*folders, label=Label(values={"other": 2}))
    with pytest.raises(ConfigError, match="brats2023 knows the values 1, 2, 3"):
        score(*folders, preset="brats2023", label=Label(values={"other": 4}))


def test_labels_are_given_as_names_and_values():
    assert parse_labels(["wm=3", "gm=2"], [7]).values == {"wm": 3, "gm": 2}
    assert parse_labels([], []).values == {"lesion": 1}
    with pytest.raises(ConfigError, match="found 'lesion'; expected name=value"):
        parse_labels(["lesion"], [])
    with pytest.raises(ConfigError, match="each needs its own value"):
        parse_labels(["a=1", "b=1"], [])


def test_the_script_scores_by_hand(folders, root, tmp_path):
    command = [sys.executable, "-m", "scripts.evaluate_predictions"]
    command += ["--reference", folders[0], "--predictions", folders[1], "--preset", "nnunet"]
    command += ["--label", "lesion=1", "--output", tmp_path / "out/metrics.csv"]
    done = subprocess.run([str(c) for c in command], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = read_table(tmp_path / "out/metrics.csv")
    assert [(r["method"], r["case"], r["metric"], r["preset"]) for r in rows[:2]] == [
        ("my model", "sub-1_ses-1", "dice", "nnunet"),
        ("my model", "sub-1_ses-1", "iou", "nnunet"),
    ]
    assert len(read_table(tmp_path / "out/volumes.csv")) == 2
    assert read_table(tmp_path / "out/lesion_sizes.csv") == []
    short = subprocess.run(
        [*map(str, command[:3]), "--predictions", "x.json", "--output", "y.csv"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert "--scans is missing; a run needs it" in short.stderr
    assert "Traceback" not in short.stderr
