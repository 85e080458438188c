"""Scoring a run's files: the way from predictions.json to metrics.csv, and bad input."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from mribench.config import Label
from mribench.errors import DataError, GeometryError
from mribench.files import (
    checksum,
    make_image,
    read_image,
    read_table,
    write_image,
    write_json,
    write_table,
)
from mribench.metrics.columns import METRIC_COLUMNS
from mribench.metrics.conventions import load_preset
from mribench.metrics.runs import Run, Scoring, score_run
from mribench.training.prediction import probability_image

AFFINE = np.array([[-0.9, 0, 0, 40], [0, 0.9, 0, -30], [0, 0, 3, -20], [0, 0, 0, 1.0]])
SHAPE = (20, 22, 8)
RUN = Run("unet", 1, 0)
LESIONS = Label(values={"lesion": 1}, ignore=(7,))


class Files:
    """A data set of two cases and one run's predictions of them."""

    def __init__(self, folder):
        self.root = folder / "bids"
        self.run = folder / "runs/unet/fold-1_seed-0"
        self.listing = self.run / "predictions.json"
        self.truths = {}
        self.predictions = {}
        for case in ("sub-2_ses-1", "sub-1_ses-1"):
            reference = np.zeros(SHAPE, np.uint8)
            reference[5:9, 5:9, 2:4] = 1
            reference[12:15, 12:14, 5] = 1
            reference[0, 0, 0] = 7
            write_image(self.root / f"{case}.nii.gz", make_image(reference, AFFINE))
            subject = case.split("_")[0]
            row = {"case": case, "subject": subject, "site": "A", "labels": f"{case}.nii.gz"}
            self.truths[case] = row
            self.predict(case, np.roll(reference == 1, 1, axis=0).astype(np.uint8))

    def predict(self, case, array, affine=AFFINE):
        path = self.run / "predictions" / f"{case}_dseg.nii.gz"
        write_image(path, make_image(array, affine))
        relative = str(path.relative_to(self.run))
        self.predictions[case] = {"path": relative, "checksum": checksum(path), "seconds": 1}
        write_json(self.listing, self.predictions)

    def score(self, label=LESIONS):
        scoring = Scoring(label=label)
        return score_run(self.listing, RUN, self.truths, self.root, scoring).metrics


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "Köln study")


def test_rows_are_sorted_by_case_then_by_preset(files):
    rows = files.score()
    metrics = [metric.name for metric in load_preset("wmh2017").metrics]
    cases = ["sub-1_ses-1"] * 5 + ["sub-2_ses-1"] * 5
    assert [(r["case"], r["metric"]) for r in rows] == list(zip(cases, metrics * 2, strict=True))
    assert all(set(r) == set(METRIC_COLUMNS) for r in rows)
    first = rows[0]
    assert [first[key] for key in METRIC_COLUMNS[:9]] == [
        *RUN,
        "sub-1_ses-1",
        "sub-1",
        "A",
        "lesion",
        "dice",
        "wmh2017",
    ]
    # 38 lesion voxels, of which the shift by one voxel keeps 3 of 4 and 2 of 3 rows.
    assert first["value"] == pytest.approx((24 + 4) / 38)


def test_distances_are_in_mm_of_the_label(files):
    values = {r["metric"]: r["value"] for r in files.score()[:5]}
    assert values["hd95"] == pytest.approx(0.9)


def test_predicted_classes_are_counted_from_1(files):
    label = Label(values={"lesion": 1, "stroke": 7})
    both = np.zeros(SHAPE, np.uint8)
    both[0, 0, 0] = 2
    for case in files.truths:
        files.predict(case, both)
    dice = [r["value"] for r in files.score(label) if r["metric"] == "dice"]
    assert dice == [0, 1, 0, 1]


def test_what_is_ignored_is_not_held_against_a_prediction(files):
    perfect = np.zeros(SHAPE, np.uint8)
    perfect[5:9, 5:9, 2:4] = 1
    perfect[12:15, 12:14, 5] = 1
    perfect[0, 0, 0] = 1
    for case in files.truths:
        files.predict(case, perfect)
    assert {r["value"] for r in files.score()} == {0, 1}


def test_affines_within_the_tolerance_are_the_same_grid(files):
    shifted = AFFINE.copy()
    shifted[0, 3] += 0.009
    files.predict("sub-1_ses-1", np.zeros(SHAPE, np.uint8), shifted)
    assert files.score()[0]["note"] == "prediction empty"
    shifted[0, 3] += 0.02
    files.predict("sub-1_ses-1", np.zeros(SHAPE, np.uint8), shifted)
    with pytest.raises(GeometryError, match=r"sub-1_ses-1: .* 0\.029 mm apart"):
        files.score()


def with_value(value, dtype=np.float32):
    array = np.zeros(SHAPE, dtype)
    array[1, 1, 1] = value
    return array


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (with_value(0.4), "found values between 0 and 0.4 .* look like probabilities"),
        (with_value(-2.5), "found values between -2.5 and 0 that are no whole numbers;"),
        (with_value(np.nan), "found 1 voxels that are NaN or infinite"),
        (with_value(np.inf), "found 1 voxels that are NaN or infinite"),
        (with_value(3), "found label values 3; expected only 0, 1"),
        (with_value(257, np.int16), "found label values 257; expected only 0, 1"),
        (with_value(-1, np.int16), "found label values -1; expected only 0, 1"),
        (np.zeros((*SHAPE, 2), np.uint8), "found an image of 20x22x8x2 voxels"),
        (np.zeros((20, 22, 9), np.uint8), r"found shape \(20, 22, 8\) against \(20, 22, 9\)"),
    ],
)
def test_a_prediction_that_is_no_label_map_is_refused(files, array, message):
    files.predict("sub-1_ses-1", array)
    with pytest.raises(DataError, match=rf"sub-1_ses-1: .*_dseg.nii.gz: {message}"):
        files.score()


def test_whole_numbers_stored_as_floats_are_fine(files):
    before = files.score()
    files.predict("sub-1_ses-1", np.roll(with_value(0), 1))
    assert files.score() != before
    again = files.score()
    files.predict("sub-1_ses-1", np.zeros(SHAPE, np.uint8)[..., None])
    assert files.score() == again


def test_an_unknown_value_in_the_reference_is_refused(files):
    with pytest.raises(DataError, match="sub-1_ses-1.nii.gz: found label values 7; expected only"):
        files.score(Label(values={"lesion": 1}))


def test_a_changed_or_missing_prediction_is_refused(files):
    path = files.run / "predictions/sub-2_ses-1_dseg.nii.gz"
    write_image(path, make_image(np.zeros(SHAPE, np.uint8), AFFINE))
    with pytest.raises(DataError, match="sub-2_ses-1: .*the prediction as it was made"):
        files.score()
    path.unlink()
    with pytest.raises(DataError, match="sub-2_ses-1: .*found no such file"):
        files.score()


def test_missing_and_extra_cases_are_named(files):
    files.predictions["sub-9"] = files.predictions.pop("sub-1_ses-1")
    write_json(files.listing, files.predictions)
    with pytest.raises(DataError) as caught:
        files.score()
    for part in ("unet, fold 1, seed 0", "no prediction of sub-1_ses-1", "other cases: sub-9"):
        assert part in str(caught.value)


def test_every_case_that_cannot_be_scored_is_named(files):
    for case in files.truths:
        files.predict(case, with_value(0.4))
    with pytest.raises(DataError) as caught:
        files.score()
    lines = str(caught.value).splitlines()
    assert lines[0] == "unet, fold 1, seed 0: 2 of 2 cases cannot be scored, so none is:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == sorted(files.truths)


def test_probabilities_are_read_where_the_preset_looks_at_them(files):
    scoring = Scoring(label=LESIONS, preset="calibration")

    def score():
        return score_run(files.listing, RUN, files.truths, files.root, scoring).metrics

    assert {row["note"] for row in score() if row["metric"] == "brier"} == {"no probabilities"}
    for case, entry in files.predictions.items():
        sure = np.zeros(SHAPE, np.float32)
        sure[5:9, 5:9, 2:4] = sure[12:15, 12:14, 5] = 1
        path = files.run / f"predictions/{case}_probseg.nii.gz"
        write_image(path, probability_image(sure[None], AFFINE))
        relative = str(path.relative_to(files.run))
        entry["probabilities"] = {"path": relative, "checksum": checksum(path)}
    write_json(files.listing, files.predictions)
    found = {row["metric"]: row["value"] for row in score()[:4]}
    assert found["brier"] == found["ece"] == 0
    path.unlink()
    with pytest.raises(DataError, match="probseg.nii.gz: found no such file"):
        score()


def test_probabilities_outside_0_to_1_are_refused(files):
    for case, entry in files.predictions.items():
        path = files.run / f"predictions/{case}_probseg.nii.gz"
        write_image(path, make_image(with_value(1.5), AFFINE))
        relative = str(path.relative_to(files.run))
        entry["probabilities"] = {"path": relative, "checksum": checksum(path)}
    write_json(files.listing, files.predictions)
    scoring = Scoring(label=LESIONS, preset="calibration")
    with pytest.raises(DataError, match="values outside 0 to 1, or NaN"):
        score_run(files.listing, RUN, files.truths, files.root, scoring)


def run_script(files, root, output):
    scans, splits = files.root / "scans.tsv", files.root / "splits.tsv"
    other = {"case": "sub-3", "subject": "sub-3", "site": "A", "labels": "none.nii.gz"}
    write_table(scans, [*files.truths.values(), other], ["case", "subject", "site", "labels"])
    rows = [{"fold": 1, "case": case, "role": "test"} for case in files.truths]
    rows += [{"fold": 0, "case": "sub-3", "role": "test"}]
    rows += [{"fold": 1, "case": "sub-3", "role": "train"}]
    write_table(splits, rows, ["fold", "case", "role"])
    options = {"predictions": files.listing, "scans": scans, "splits": splits, "root": files.root}
    options |= {"method": "unet", "fold": 1, "seed": 0, "output": output}
    arguments = [str(part) for key, value in options.items() for part in (f"--{key}", value)]
    spec = Scoring(label=LESIONS).model_dump_json()
    command = [sys.executable, "-m", "scripts.evaluate_predictions", "--spec", spec, *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)


def test_the_script_writes_the_same_bytes_twice(files, root, tmp_path):
    outputs = [tmp_path / name / "metrics.csv" for name in ("first", "second")]
    for output in outputs:
        done = run_script(files, root, output)
        assert done.returncode == 0, done.stderr
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    rows = read_table(outputs[0])
    assert tuple(rows[0]) == METRIC_COLUMNS
    assert [float(r["value"]) for r in rows] == [r["value"] for r in files.score()]


def test_the_script_counts_and_names_what_is_wrong(files, root, tmp_path):
    files.predict("sub-1_ses-1", with_value(0.4))
    done = run_script(files, root, tmp_path / "metrics.csv")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == ("ERROR: unet, fold 1, seed 0: 1 of 2 cases cannot be scored, so none is:")
    assert lines[1].startswith("  sub-1_ses-1: ")
    assert len(lines) == 2
    assert not (tmp_path / "metrics.csv").exists()


def test_the_label_is_read_as_it_came_and_never_resampled(files, monkeypatch):
    """A checkerboard survives no interpolation: its own voxels alone give a Dice of 1."""
    board = (np.indices(SHAPE).sum(axis=0) % 2).astype(np.uint8)
    for case, row in files.truths.items():
        write_image(files.root / row["labels"], make_image(board, AFFINE))
        files.predict(case, board)
    opened = []

    def read(path):
        opened.append(path)
        return read_image(path)

    monkeypatch.setattr("mribench.metrics.label_maps.read_image", read)
    monkeypatch.setattr(ndimage, "map_coordinates", None)
    assert {row["value"] for row in files.score() if row["metric"] == "dice"} == {1}
    labels = {files.root / row["labels"] for row in files.truths.values()}
    assert {path for path in opened if files.run not in path.parents} == labels
