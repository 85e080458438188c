"""Failures of one run, from a driver's log as Snakemake 9 writes it."""

import pytest

from mribench.monitoring.driver_log import SILENT, failed_logs, read_run_failures, telling_line
from mribench.monitoring.status import describe_failures

DRIVER = """[Sat Nov 21 15:27:26 2026]
Job 4: Train unet2d, fold 0, seed 0
Reason: Missing output files: results/s/runs/unet2d/fold-0_seed-0/model.safetensors
[Sat Nov 21 15:27:36 2026]
Error in rule train_model:
    message: None
    jobid: 4
    input: results/s/store/native/manifest.json
    output: results/s/runs/unet2d/fold-0_seed-0/model.safetensors
    log: {logs}/train_model/unet2d/fold-0_seed-0.log (check log file(s) for error details)
    shell:
        python -m scripts.train_model
        (command exited with non-zero exit code)
Error in rule strip_skull:
    message: None
    jobid: 17
    log: {logs}/strip_skull/sub-01/native/sub-01.log (check log file(s) for error details)
Error in rule index_dataset:
    jobid: 3
    log: {logs}/index_dataset.log, results/s/dataset/problems.tsv (check log file(s) for error details)
[Sat Nov 21 15:28:36 2026]
Finished jobid: 17 (Rule: strip_skull)
rule predict_cases:
    jobid: 5
    log: {logs}/predict_cases/unet2d/fold-0_seed-0.log
Error in rule train_model:
    jobid: 4
    log: {logs}/train_model/unet2d/fold-0_seed-0.log (check log file(s) for error details)
"""


@pytest.fixture
def study(tmp_path):
    logs = tmp_path / "s/logs"
    for name, text in {
        "train_model/unet2d/fold-0_seed-0": "INFO: epoch 3/9\n",
        "index_dataset": "ERROR: sub-01: a.nii: found nothing; expected an image; copy it\n",
        "strip_skull/sub-01/native/sub-01": "ERROR: the first attempt\n",
        "correct_bias/old": "ERROR: of a run before\n",
    }.items():
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / f"{name}.log").write_text(text)
    (tmp_path / "driver.log").write_text(DRIVER.format(logs=logs))
    return tmp_path


def test_failures_of_this_run_that_no_later_attempt_mended(study):
    found = read_run_failures([study / "driver.log"], study / "s")
    assert [(failure.rule, failure.name) for failure in found] == [
        ("index_dataset", ""),
        ("train_model", "unet2d/fold-0_seed-0"),
    ]
    shown = list(describe_failures(found))
    assert shown[0] == "failed, 1 x index_dataset: found nothing; expected an image; copy it"
    assert shown[2] == f"failed, 1 x train_model: {SILENT}; it last said: INFO: epoch 3/9"


def test_logs_of_other_studies_are_left_out(study):
    assert read_run_failures([study / "driver.log"], study / "other") == []


def test_a_job_without_any_log_is_told(tmp_path):
    assert telling_line(tmp_path / "none.log") == SILENT
    assert failed_logs("nothing failed") == []
