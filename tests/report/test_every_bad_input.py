"""Bad input, row by row: a clear message without traceback, and a treatment that is counted.

Everything goes through the commands that people call. The rows are those of the tables "Bad
input" in docs/metrics.md and docs/statistics.md.
"""

import json
import runpy
import sys

import archives
import numpy as np
import pytest

from mribench.command import THREAD_VARIABLES
from mribench.files import make_image, read_table, write_image, write_json, write_table
from mribench.metrics.columns import LESION_SIZE_COLUMNS, METRIC_COLUMNS, VOLUME_COLUMNS
from mribench.statistics.formats import write_tidy

SHAPE = (12, 10, 6)
PERSONS = ("sub-1", "sub-2", "sub-3")


@pytest.fixture
def call(root, capsys, monkeypatch):
    """Run a script as from the command line; return its exit status and what it said."""
    for name in (*THREAD_VARIABLES, "ANTS_RANDOM_SEED"):
        monkeypatch.setenv(name, "1")

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        try:
            runpy.run_path(str(root / f"scripts/{script}.py"), run_name="__main__")
        except SystemExit as left:
            status = left.code
        else:
            status = 0
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return status, said

    return run


def mask():
    array = np.zeros(SHAPE, np.uint8)
    array[2:6, 2:6, 2:4] = 1
    return array


def moved(by_mm):
    affine = np.eye(4)
    affine[0, 3] = by_mm
    return affine


@pytest.fixture
def images(tmp_path):
    """Folders of three references and of three predictions that could be scored."""
    for folder in ("labels", "model"):
        for person in PERSONS:
            write_image(tmp_path / folder / f"{person}_dseg.nii.gz", make_image(mask(), np.eye(4)))
    return tmp_path


def evaluate(call, folder):
    given = ("--reference", folder / "labels", "--predictions", folder / "model")
    return call("evaluate_predictions", *given, "--output", folder / "scores/metrics.csv")


PREDICTIONS = {
    "another grid": (
        (mask()[:-1], np.eye(4)),
        "found shape (12, 10, 6) against (11, 10, 6)",
    ),
    "another affine": ((mask(), moved(2)), "2 mm apart"),
    "probabilities where labels are meant": (
        (mask().astype(np.float32) * 0.4, np.eye(4)),
        "which look like probabilities",
    ),
    "NaN": (
        (np.full(SHAPE, np.nan, np.float32), np.eye(4)),
        "found 720 voxels that are NaN or infinite",
    ),
    "an unknown label": ((mask() * 3, np.eye(4)), "found label values 3; expected only 0, 1"),
}


@pytest.mark.parametrize("row", PREDICTIONS)
def test_a_prediction_that_cannot_be_scored(call, images, row):
    (array, affine), message = PREDICTIONS[row]
    write_image(images / "model/sub-2_dseg.nii.gz", make_image(array, affine))
    status, said = evaluate(call, images)
    assert status == 1
    assert "model: 1 of 3 cases cannot be scored, so none is:\n  sub-2: " in said
    assert message in said
    assert not (images / "scores").exists()


def test_whole_numbers_of_another_type_are_labels(call, images):
    array = mask().astype(np.float64)
    write_image(images / "model/sub-2_dseg.nii.gz", make_image(array, np.eye(4)))
    assert evaluate(call, images) == (0, "")
    values = {row["value"] for row in read_table(images / "scores/metrics.csv")[::5]}
    assert values == {"1.0"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sub-3_dseg.nii.gz", None, "found no prediction of sub-3 (1 of 3)"),
        (None, "sub-9_dseg.nii.gz", "found predictions of other cases: sub-9 (1)"),
    ],
    ids=["a missing case", "an extra case"],
)
def test_cases_that_do_not_fit(call, images, old, new, message):
    if old:
        (images / "model" / old).unlink()
    if new:
        write_image(images / "model" / new, make_image(mask(), np.eye(4)))
    status, said = evaluate(call, images)
    assert status == 1
    assert message in said
    assert "expected one prediction for each of the 3 cases" in said
    assert not (images / "scores").exists()


def scores(values, fold=0):
    """Rows of metrics.csv: one list of Dice per method."""
    shared = {"fold": fold, "seed": 0, "site": "A", "label": "lesion", "preset": "wmh2017"}
    return [
        {**shared, "method": method, "case": f"sub-{fold}{place}", "subject": f"sub-{fold}{place}"}
        | {"metric": "dice", "value": value, "note": ""}
        for method, numbers in values.items()
        for place, value in enumerate(numbers)
    ]


def compare(call, folder, rows, columns=None, **evaluation):
    """Write metrics.csv (as a tidy table, or with other columns) and compare the methods."""
    if columns:
        write_table(folder / "metrics.csv", rows, columns)
    else:
        write_tidy(folder / "metrics.csv", rows, METRIC_COLUMNS)
    cases = sorted({row["case"] for row in rows})
    scan = {"contrast": "FLAIR", "labels_contrast": "FLAIR", "load_ml": 1, "spacing": "1x1x1"}
    scans = [{"case": case, **scan} for case in cases]
    write_table(folder / "dataset/scans.tsv", scans, list(scans[0]))
    given = ("--metrics", folder / "metrics.csv", "--scans", folder / "dataset/scans.tsv")
    spec = ("--spec", json.dumps(evaluation))
    return call("compare_methods", *given, *spec, "--ranking", folder / "ranking.csv")


def ranked(folder):
    return {row["method"]: row for row in read_table(folder / "ranking.csv")}


def test_a_failed_run_stops_the_study_and_is_named(call, tmp_path):
    folder = tmp_path / "runs/unet/fold-0_seed-0"
    for name, columns in (
        ("metrics", METRIC_COLUMNS),
        ("volumes", VOLUME_COLUMNS),
        ("lesion_sizes", LESION_SIZE_COLUMNS),
    ):
        write_table(folder / f"{name}.csv", [], columns)
    write_json(folder / "cost.json", {"parameters": 1})
    spec = json.dumps({"methods": ["unet"], "folds": [0, 1], "seeds": [0]})
    outputs = ("--metrics", tmp_path / "metrics.csv", "--costs", tmp_path / "costs.csv")
    status, said = call("aggregate_metrics", "--spec", spec, *outputs)
    assert status == 1
    assert "unet, fold 1, seed 0: " in said
    assert "found no such file" in said
    assert "its log says why this run failed" in said


def test_cases_of_a_failed_run_are_counted(call, tmp_path):
    both = {"a": [0.5, 0.6, 0.7], "b": [0.4, 0.5, 0.6]}
    rows = scores(both) + scores({"a": [0.8, 0.9]}, fold=1)
    assert compare(call, tmp_path, rows)[0] == 0
    lost = ranked(tmp_path)["b"]
    assert (lost["n"], lost["undefined"]) == ("3", "2")
    assert lost["note"] == "not scored: 2 in fold 1, seed 0"
    (pair,) = read_table(tmp_path / "comparisons.csv")
    assert (pair["n"], pair["undefined"]) == ("3", "2")


def test_a_table_of_an_older_version(call, tmp_path):
    status, said = compare(call, tmp_path, scores({"a": [0.5], "b": [0.4]}), METRIC_COLUMNS)
    assert status == 1
    assert "found a table without the column 'format', from an older version of mribench" in said
    assert "make the table again (aggregate_metrics)" in said
    assert not (tmp_path / "ranking.csv").exists()


@pytest.mark.parametrize(
    ("values", "test", "reason"),
    [
        (
            {"a": [0.5], "b": [0.4]},
            "wilcoxon",
            "the smallest possible p is 1 with 1 non-zero differences",
        ),
        ({"a": [0.5] * 9, "b": [0.5] * 9}, "wilcoxon", "all differences are 0"),
        ({"a": [0.5] * 9, "b": [0.5] * 9}, "t_test", "all differences are 0"),
        (
            {"a": [0.75] * 9, "b": [0.5] * 9},
            "t_test",
            "all 9 differences are equal, so that they have no spread",
        ),
    ],
    ids=["one case only", "all ties", "all ties, t", "constant differences, t"],
)
def test_what_cannot_be_tested_says_why_and_keeps_its_means(call, tmp_path, values, test, reason):
    assert compare(call, tmp_path, scores(values), test=test)[0] == 0
    (pair,) = read_table(tmp_path / "comparisons.csv")
    assert pair["note"] == f"not testable: {reason}"
    assert (pair["n"], pair["p"], pair["p_adjusted"]) == (str(len(values["a"])), "n/a", "n/a")
    found = ranked(tmp_path)
    assert {name: float(row["mean"]) for name, row in found.items()} == {
        name: numbers[0] for name, numbers in values.items()
    }
    assert {row["n"] for row in found.values()} == {str(len(values["a"]))}
    if len(values["a"]) == 1:
        assert (found["a"]["sd"], found["a"]["ci_low"]) == ("n/a", "n/a")


def test_constant_differences_are_ranked_like_others(call, tmp_path):
    assert compare(call, tmp_path, scores({"a": [0.75] * 9, "b": [0.5] * 9}))[0] == 0
    (pair,) = read_table(tmp_path / "comparisons.csv")
    assert (float(pair["p"]), pair["better"]) == (2 / 2**9, "a")


@pytest.mark.parametrize(
    ("name", "new", "message"),
    [
        ("metrics.csv", None, "metrics.csv: found no such file in the archive"),
        ("tables/leaderboard.md", None, "tables/leaderboard.md: found no such file in the archive"),
        ("tables/leaderboard.md", b"other", "tables/leaderboard.md: found SHA-256"),
        ("config.json", b"{", "config.json: found SHA-256"),
    ],
    ids=["missing scores", "missing table", "altered table", "altered configuration"],
)
def test_an_archive_with_a_missing_or_altered_file(call, archive, tmp_path, name, new, message):
    files = archives.read(archive)
    del files[name]
    if new:
        files[name] = new
    altered = archives.write(tmp_path / "altered.zip", files)
    status, said = call("verify_publication", altered, "--output", tmp_path / "found.json")
    assert status == 1
    assert message in said
    count = len(json.loads((tmp_path / "found.json").read_text())["findings"])
    assert count > 0
    assert f"findings: {count}" in said
