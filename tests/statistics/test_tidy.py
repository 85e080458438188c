"""Reading tidy tables, and putting those of all runs together."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tidy_tables import random_values, row, rows_of, write_metrics

from mribench.errors import DataError
from mribench.files import read_table, write_json, write_table
from mribench.metrics.columns import LESION_SIZE_COLUMNS, METRIC_COLUMNS, VOLUME_COLUMNS
from mribench.statistics.collect import (
    Runs,
    collect_costs,
    collect_metrics,
    flatten,
    run_folders,
    run_grid,
)
from mribench.statistics.formats import read_tidy
from mribench.statistics.tidy import read_metrics, scores_of

RUNS = Runs(methods=("b", "a"), folds=(0, 1), seeds=(0, 3))
STUDY_RUNS = [{"method": m, "fold": f, "seed": s} for m in "ba" for f in (1, 0) for s in (3, 0)]


@pytest.fixture
def runs(tmp_path):
    """The tables of eight runs."""
    for folder in run_folders(tmp_path / "runs", RUNS):
        case = f"sub-{folder.fold}"
        rows = [row(folder.method, case, 0.5, fold=folder.fold, seed=folder.seed)]
        write_table(folder.path / "metrics.csv", rows, METRIC_COLUMNS)
        for name, columns in (
            ("volumes.csv", VOLUME_COLUMNS),
            ("lesion_sizes.csv", LESION_SIZE_COLUMNS),
        ):
            own = {"method": folder.method, "fold": folder.fold, "seed": folder.seed}
            write_table(folder.path / name, [dict.fromkeys(columns, 1) | own], columns)
        cost = {"parameters": 12, "training": {"seconds": 1.5}, "input_shape": [2, 8, 8]}
        write_json(folder.path / "predictions.json", {case: {"file": "predictions/a.nii.gz"}})
        write_json(folder.path / "cost.json", cost if folder.method == "a" else {"parameters": 0})
    return tmp_path / "runs"


def test_runs_stand_in_the_order_of_methods_folds_and_seeds(runs):
    rows = list(collect_metrics(run_folders(runs, RUNS), METRIC_COLUMNS))
    found = [(r["method"], r["fold"], r["seed"]) for r in rows]
    assert found == [(m, f, s) for m in "ba" for f in "01" for s in "03"]


def test_the_grid_of_runs_does_not_depend_on_their_order():
    grid = run_grid(STUDY_RUNS)
    assert grid == {"methods": ["a", "b"], "folds": [0, 1], "seeds": [0, 3]}
    assert len(run_folders(Path("runs"), Runs.model_validate(grid))) == len(STUDY_RUNS)


def test_costs_are_flat_and_complete(runs):
    rows, columns = collect_costs(run_folders(runs, RUNS))
    assert columns == ["method", "fold", "seed", "input_shape", "parameters", "training_seconds"]
    assert [list(r.values()) for r in (rows[0], rows[-1])] == [
        ["b", 0, 0, None, 0, None],
        ["a", 1, 3, "2x8x8", 12, 1.5],
    ]


def test_flatten_keeps_empty_and_nested_values():
    nested = {"a": {"b": {"c": 1}}, "d": None, "e": []}
    assert flatten(nested) == {"a_b_c": 1, "d": None, "e": ""}


def test_a_run_without_table_is_named(runs):
    (runs / "a/fold-1_seed-3/metrics.csv").unlink()
    with pytest.raises(DataError, match=r"a, fold 1, seed 3: .*no such file"):
        list(collect_metrics(run_folders(runs, RUNS), METRIC_COLUMNS))
    (runs / "b/fold-0_seed-0/cost.json").unlink()
    with pytest.raises(DataError, match="b, fold 0, seed 0: .*measure_cost"):
        collect_costs(run_folders(runs, RUNS))


def test_a_table_of_another_run_or_version_is_refused(runs):
    path = runs / "a/fold-0_seed-0/metrics.csv"
    write_table(path, [row("a", "sub-1", 0.5, seed=9)], METRIC_COLUMNS)
    with pytest.raises(DataError, match="rows of another run"):
        list(collect_metrics(run_folders(runs, RUNS), METRIC_COLUMNS))
    write_table(path, [row("a", "sub-1", 0.5)], METRIC_COLUMNS[:-1])
    with pytest.raises(DataError, match="found columns method.*expected columns"):
        list(collect_metrics(run_folders(runs, RUNS), METRIC_COLUMNS))


def test_scores_keep_the_order_of_the_table(tmp_path):
    rows = rows_of(random_values(("z", "a")), metric="lesion_f1") + rows_of(
        random_values(("z", "a")), metric="dice"
    )
    found = list(scores_of(read_metrics(write_metrics(tmp_path, rows))))
    assert [s.metric.name for s in found] == ["lesion_f1", "dice"]
    assert found[0].methods == ["z", "a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "0,5"}, "found value '0,5'"),
        ({"value": "inf"}, "found value 'inf'"),
        ({"value": "nan"}, "found value 'nan'"),
        ({"metric": "dyce"}, "found metric dyce; expected one of dice"),
    ],
)
def test_a_broken_table_is_refused(tmp_path, change, message):
    rows = rows_of({"a": [0.5, 0.6]})
    rows[1] |= change
    with pytest.raises(DataError, match=message):
        list(scores_of(read_metrics(write_metrics(tmp_path, rows))))


def test_an_empty_table_and_a_double_score_are_refused(tmp_path):
    with pytest.raises(DataError, match="found no rows"):
        read_metrics(write_metrics(tmp_path, []))
    double = rows_of({"a": [0.5]}) * 2
    with pytest.raises(DataError, match="a score twice: a, 0, 0, sub-000, lesion, dice"):
        read_metrics(write_metrics(tmp_path, double))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: {k: v for k, v in row.items() if k != "format"}, "from an older version"),
        (lambda row: row | {"format": "1"}, "found rows of version 1, from another version"),
        (lambda row: {"extra": 1} | row, "found columns extra, method.*expected columns method"),
    ],
)
def test_a_table_of_another_version_is_refused(tmp_path, change, message):
    path = write_metrics(tmp_path, rows_of({"a": [0.5, 0.6]}))
    rows = [change(row) for row in read_table(path)]
    write_table(path, rows, list(rows[0]))
    with pytest.raises(DataError, match=f"{message}.*aggregate_metrics"):
        read_metrics(path)
    with pytest.raises(DataError, match=f"{message}.*aggregate_metrics"):
        read_tidy(path, METRIC_COLUMNS, "aggregate_metrics")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"ranking.csv: found no such file.*compare_methods"):
        read_tidy(tmp_path / "ranking.csv", METRIC_COLUMNS, "compare_methods")


def test_a_tidy_table_is_read_as_it_was_written(tmp_path):
    rows = [{key: str(value) for key, value in r.items()} for r in rows_of({"a": [0.5]})]
    path = write_metrics(tmp_path, rows)
    assert read_tidy(path, METRIC_COLUMNS, "x") == [rows[0] | {"format": "2"}]


def test_scripts_make_the_same_bytes_twice(tmp_path, runs, root):
    for attempt in ("first", "second"):
        out = tmp_path / attempt
        shutil.copytree(runs, out / "runs")
        run_script(
            root,
            "aggregate_metrics",
            json.dumps(run_grid(STUDY_RUNS)),
            metrics=out / "metrics.csv",
            costs=out / "costs.csv",
        )
        run_script(
            root,
            "compare_methods",
            "{}",
            metrics=out / "metrics.csv",
            scans=write_scans(out),
            ranking=out / "ranking.csv",
        )
    names = sorted(path.name for path in (tmp_path / "first").glob("*.csv"))
    assert len(names) == 11
    for name in names:
        first, second = (tmp_path / attempt / name for attempt in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    (found,) = read_table(tmp_path / "first/comparisons.csv")
    assert found["note"] == "not testable: all differences are 0"


def write_scans(folder):
    """Write scans.tsv of the two cases."""
    columns = ("case", "contrast", "labels_contrast", "load_ml", "spacing")
    blank = dict.fromkeys(columns, "n/a") | {"spacing": "1x1x1"}
    rows = [blank | {"case": f"sub-{case}"} for case in (0, 1)]
    write_table(folder / "scans.tsv", rows, columns)
    return folder / "scans.tsv"


def run_script(root, name, spec, **paths):
    """Run a script of the repository by hand."""
    options = [text for key, path in paths.items() for text in (f"--{key}", str(path))]
    command = [sys.executable, "-m", f"scripts.{name}", "--spec", spec, *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
