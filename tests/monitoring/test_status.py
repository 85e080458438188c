"""The status of a study, read from a folder as the workflow leaves it."""

import os
import subprocess
import sys
import time

import pytest

from mribench.config import load_study
from mribench.files import write_table
from mribench.monitoring.status import (
    QUIET_SECONDS,
    count_stages,
    describe,
    describe_failures,
    describe_runs,
    last_line,
    read_failures,
    read_runs,
)
from mribench.monitoring.storage import describe as describe_storage
from mribench.monitoring.storage import find_rests, measure_folder, measure_stages, readable

METHODS = ("flair_threshold", "unet2d")
STUDY = {
    "study": "watched",
    "dataset": {"recipe": "phantoms"},
    "variants": {"native": {}},
    "methods": {name: {"variant": "native"} for name in METHODS},
    "protocol": {"split": {"folds": 2}, "seeds": [0, 7]},
}


def put(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"case": f"sub-0{n}", "subject": f"sub-0{n}", "session": "n/a", "site": "a"}
        | {"age": "n/a", "group": "n/a", "contrast": "FLAIR", "load_ml": n}
        for n in range(1, 5)
    ]
    (tmp_path / "dataset").mkdir()
    write_table(tmp_path / "dataset" / "scans.tsv", rows, list(rows[0]))
    return tmp_path


def states(folder, now=None):
    runs = read_runs(load_study(STUDY), folder, time.time() if now is None else now)
    return {run.name: run.state for run in runs}


def test_every_run_of_the_design_is_listed_and_waits_at_first(folder):
    assert states(folder) == {
        f"{method}/fold-{fold}_seed-{seed}": "waiting"
        for method in METHODS
        for fold in (0, 1)
        for seed in (0, 7)
    }


def test_a_run_passes_through_its_states(folder):
    name = "unet2d/fold-1_seed-7"
    log = put(folder / "logs/train_model" / f"{name}.log", "INFO: epoch 3/9 left 2:00\n\n")
    assert states(folder)[name] == "training"
    assert states(folder, time.time() + QUIET_SECONDS + 1)[name] == "waiting"
    put(log, "INFO: epoch 3/9\nERROR: unet2d: found a loss of nan\n")
    assert states(folder)[name] == "failed"
    for file, state in (
        ("model.safetensors", "trained"),
        ("predictions.json", "predicted"),
        ("metrics.csv", "evaluated"),
    ):
        put(folder / "runs" / name / file)
        assert states(folder)[name] == state
    assert sum(state == "waiting" for state in states(folder).values()) == 7


def test_failures_are_put_together_by_cause(folder):
    for case in ("sub-01", "sub-02"):
        line = f"ERROR: {case}: {case}_mask.nii.gz: found an empty mask; expected a brain; look"
        put(folder / "logs/strip_skull" / case / "x.log", f"INFO: a\n{line}\n")
    for fold in (0, 1):
        line = f"ERROR: scp fold {fold} seed 0: epoch 9: found a loss of nan; expected a number; x"
        put(folder / f"logs/train_model/scp/fold-{fold}_seed-0.log", line)
    put(folder / "logs/pack_cases/native.log", "Traceback ...\nZeroDivisionError: division\n")
    put(folder / "logs/make_splits.log", "INFO: ERROR was not the last word\n")
    failures = read_failures(folder)
    rules = [item.rule for item in failures]
    assert rules == ["pack_cases", *["strip_skull"] * 2, *["train_model"] * 2]
    shown = list(describe_failures(failures))
    assert shown[0] == "failed, 1 x pack_cases: ZeroDivisionError: division"
    assert shown[2] == "failed, 2 x strip_skull: found an empty mask; expected a brain; look"
    assert "sub-01/x: " in shown[3]
    assert "sub-02/x: " in shown[4]
    assert shown[5] == "failed, 2 x train_model: found a loss of nan; expected a number; x"


def test_the_whole_text(folder):
    study = load_study(STUDY)
    put(folder / "benchmarks/strip_skull/native/sub-01/a.tsv")
    put(folder / "benchmarks/simulate_phantoms.tsv")
    put(folder / "logs/train_model/unet2d/fold-0_seed-0.log", "INFO: unet2d: epoch 1/2 left 1:00")
    assert count_stages(folder) == {"simulate_phantoms": 1, "strip_skull": 1}
    lines = list(describe(study, folder))
    assert "jobs done: simulate_phantoms 1, strip_skull 1" in lines
    row = next(line.split() for line in lines if line.startswith("unet2d"))
    assert row == ["unet2d", "0", "0", "0", "1", "0", "3"]
    assert lines[lines.index("now: unet2d: epoch 1/2 left 1:00") + 1].endswith("fold-0_seed-0.log")
    (folder / "dataset/scans.tsv").unlink()
    assert "the data set is not indexed yet" in list(describe(study, folder))


def test_what_another_program_says_takes_one_line(folder):
    log = folder / "logs/train_model/unet2d/fold-1_seed-7.log"
    for text, shown in (("plans: " + "{'a': 1} " * 99, "now: plans: "), ("", "now: unet2d/fold-1")):
        put(log, text)
        lines = list(describe_runs(read_runs(load_study(STUDY), folder, time.time())))
        assert [len(line) < 130 for line in lines if line.startswith(shown)] == [True]


def test_last_line_of_strange_logs(tmp_path):
    assert last_line(tmp_path / "none.log") == ""
    assert last_line(put(tmp_path / "empty.log")) == ""
    (tmp_path / "bytes.log").write_bytes(b"one\n\xff two \n\n")
    assert last_line(tmp_path / "bytes.log").endswith("two")


def test_storage_counts_what_the_disk_counts(tmp_path):
    put(tmp_path / "preproc/native/sub-01/a.bin", "x" * 300_000)
    put(tmp_path / "store/native/b.bin", "x" * 100_000)
    put(tmp_path / "metrics.csv", "x")
    os.symlink(tmp_path / "preproc/native/sub-01/a.bin", tmp_path / "store/native/link")
    sizes = measure_folder(tmp_path)
    assert set(sizes) == {"preproc/native", "store/native", "metrics.csv"}
    assert 300_000 <= sizes["preproc/native"] < 320_000
    assert 100_000 <= sizes["store/native"] < 120_000
    lines = list(describe_storage(tmp_path))
    assert lines[0].endswith("preproc/native")
    assert any(line.endswith("in all") for line in lines)


def test_storage_tells_stages_and_what_killed_jobs_left(tmp_path):
    case = tmp_path / "preproc/native/sub-01"
    sizes = {
        "anat/sub-01_desc-conformed_T1w.nii.gz": 90_000,
        "anat/sub-01_desc-biascorrected_T1w.nii.gz": 50_000,
        "anat/sub-01_desc-biasfield_T1w.nii.gz": 30_000,
        "anat/sub-01_from-T1w_to-MNI152NLin2009aSym_mode-image_xfm.txt": 5_000,
        "anat/sub-01_from-T1w_to-FLAIR_mode-image_xfm.txt": 5_000,
        "figures/index.html": 20_000,
        "anat/.4711.sub-01_space-T1w_dseg.nii.gz": 40_000,
        "anat/.sub-01_volumes.tsv.sha256": 64,
    }
    for name, size in sizes.items():
        put(case / name, "x" * size)
    found = measure_stages(tmp_path)
    assert list(found) != []
    assert 170_000 <= found["correct_bias"] < 190_000
    assert found["register_to_template"] == found["register_to_reference"] > 0
    assert found["review_preprocessing"] >= 20_000
    assert "other files" not in found
    assert [name for name, _ in find_rests(tmp_path)] == [
        "preproc/native/sub-01/anat/.4711.sub-01_space-T1w_dseg.nii.gz"
    ]
    lines = list(describe_storage(tmp_path))
    assert any(line.endswith("  correct_bias") for line in lines)
    assert "in 1 files that killed jobs left" in lines[-2]
    assert f"find {tmp_path} -name" in lines[-1]


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e11, "250 GB")]
)
def test_sizes_are_readable(size, text):
    assert readable(size) == text


def test_time_left_is_told_from_finished_and_running_trainings(folder):
    def left():
        lines = describe(load_study(STUDY), folder)
        return next((line for line in lines if line.startswith("trainings left: ")), None)

    assert left() == "trainings left: 8"
    logs = folder / "logs/train_model"
    put(logs / "unet2d/fold-0_seed-0.log", "INFO: u: epoch 4/10 loss 0.5 dice 0.1 left 1:30\n")
    assert left() == (
        "trainings left: 8, 0:09:00 one after the other, "
        "without 4 of methods that were not seen yet"
    )
    for fold in (0, 1):
        for seed in (0, 7):
            run = folder / f"runs/flair_threshold/fold-{fold}_seed-{seed}"
            put(run / "model.safetensors")
            put(run / "run.json", '{"seconds": 5.0}')
    assert left() == "trainings left: 4, 0:09:00 one after the other"
    run = put(folder / "runs/unet2d/fold-1_seed-0/run.json", '{"seconds": 100}').parent
    put(run / "model.safetensors")
    assert left() == "trainings left: 3, 0:04:50 one after the other"


def test_the_command_looks_at_the_size_that_is_asked_for(root):
    command = ["scripts.show_status", "--config", "studies/peers.yaml", "--size", "small"]
    shown = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, cwd=root, check=True
    ).stdout
    assert shown.startswith("peers_small: results/peers_small")
