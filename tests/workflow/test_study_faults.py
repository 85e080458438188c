"""A study under fire: killed, cut, moved, doubled, diverged; then the same command again."""

import copy
import csv
import os
import shutil
import time

import nibabel
import numpy as np
import psutil
import pytest
from digests import digests
from workspace import Workspace

from mribench.files import read_image, read_json, read_table, write_image

pytestmark = pytest.mark.slow

LOCKED = "Directory cannot be locked"
RUN = "runs/unet2d/fold-0_seed-0"


@pytest.fixture(scope="module")
def expected(finished_tiny, tiny_study):
    """The results of the undisturbed study."""
    return digests(finished_tiny.results(tiny_study))


def jobs_of(driver, script):
    """The processes of a script below a driver."""
    found = []
    for process in psutil.Process(driver.pid).children(recursive=True):
        try:
            if f"scripts.{script}" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for(find, driver, seconds=180):
    """Return what `find` finds while the driver runs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and driver.poll() is None:
        found = find()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def shown_by(workspace):
    return (workspace.folder / "shown.txt").read_text()


def hidden_rests(results):
    """Half-written files that a killed job left; they have hidden names."""
    return [path for path in results.rglob(".[0-9]*.*") if path.is_file()]


def test_killed_driver_and_a_second_one(copied, tiny_study, expected, record_fault):
    results = copied.results(tiny_study)
    shutil.rmtree(results / "runs" / "unet2d")
    driver = copied.start(tiny_study)
    wait_for(lambda: jobs_of(driver, "train_model"), driver)
    second = copied.run(tiny_study, check=False)
    assert LOCKED in second
    assert "another Snakemake" in second or "other Snakemake" in second
    assert "--unlock" in second
    orphans = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.wait()
    assert LOCKED in copied.run(tiny_study, check=False)
    copied.run(tiny_study, "--unlock")
    psutil.wait_procs(orphans, timeout=120)
    copied.run(tiny_study)
    assert digests(results) == expected
    assert "Nothing to be done" in copied.run(tiny_study, "-n")
    record_fault(
        "a second driver is started on a study that runs",
        "Snakemake's lock stands in the way",
        "the second one ends at once and says what to do; the first one goes on",
    )
    record_fault(
        "kill -9 of the driver",
        "its lock stays, its jobs run on to their end",
        "the next start says how to unlock; then the study ends with the same bytes",
    )


def test_killed_jobs(copied, tiny_study, expected, record_fault):
    results = copied.results(tiny_study)
    case = results / "preproc/native/sub-01/anat"
    for script, folder, made in (
        ("train_model", results / RUN, "model.safetensors"),
        ("correct_bias", case, "*_desc-biascorrected_*"),
    ):
        shutil.rmtree(folder)
        driver = copied.start(tiny_study, "all", "preprocess")
        for process in wait_for(
            lambda driver=driver, script=script: jobs_of(driver, script), driver
        ):
            process.kill()
        assert driver.wait() == 1
        assert not list(folder.glob(made))
        copied.run(tiny_study, "all", "preprocess")
        assert digests(results) == expected
    assert not hidden_rests(results)
    record_fault(
        "kill -9 of a training job and of a preprocessing job of a running study",
        "Snakemake reports the jobs as failed, what does not need them goes on",
        "no output of theirs; the next start makes them and ends with the same bytes",
    )


def test_cut_table(copied, tiny_study, expected, record_fault):
    results = copied.results(tiny_study)
    table = results / RUN / "metrics.csv"
    lines = table.read_bytes().splitlines(keepends=True)
    table.write_bytes(b"".join(lines[:-2]))
    shown = copied.run(tiny_study, check=False)
    assert f"{RUN}/metrics.csv: found a file that was cut short or changed" in shown
    assert "delete it and start again" in shown
    table.unlink()
    copied.run(tiny_study)
    assert digests(results) == expected
    record_fault(
        "a table is cut short after its stage has ended, at the end of a line",
        "the stage that reads it compares its checksum",
        "that stage ends with the file's name and the remedy; without the file, it is made anew",
    )


def test_intermediates_may_be_deleted(copied, tiny_study):
    """What only the stages that are done have read may go, where room is short."""
    preproc = copied.results(tiny_study) / "preproc"
    listed = [
        path
        for mark in ("conformed", "bias*", "unstripped")
        for path in preproc.rglob(f"*_desc-{mark}_*")
    ]
    assert len(listed) > 20
    for path in listed:
        path.unlink()
    assert "Nothing to be done" in copied.run(tiny_study, "-n")


def test_moved_results(copied, tiny_study, tmp_path, record_fault):
    moved = Workspace(copied.root, tmp_path / "another place")
    shutil.move(copied.folder, moved.folder)
    assert "Nothing to be done" in moved.run(tiny_study, "-n")
    alone = Workspace(copied.root, tmp_path / "results alone")
    alone.folder.mkdir()
    shutil.move(moved.folder / "results", alone.folder / "results")
    assert "Nothing to be done" in alone.run(tiny_study, "-n")
    record_fault(
        "the folder is moved, whole or the results alone",
        "all paths in it are relative",
        "nothing is to be done",
    )


def test_clock_set_back(copied, tiny_study, record_fault):
    """What is there comes from tomorrow; what is made now is older than its input."""
    for path in copied.folder.rglob("*"):
        times = path.lstat()
        day = 24 * 3600 * 10**9
        os.utime(path, ns=(times.st_atime_ns + day, times.st_mtime_ns + day), follow_symlinks=False)
    assert "Nothing to be done" in copied.run(tiny_study, "-n")
    changed = {**tiny_study, "evaluation": {"alpha": 0.01}}
    shown = copied.run(changed, check=False)
    assert "has older modification time" in shown
    assert "clock skew" in shown
    for path in copied.folder.rglob("*"):
        os.utime(path, follow_symlinks=False)
    copied.run(changed)
    assert "Nothing to be done" in copied.run(changed, "-n")
    record_fault(
        "the clock is set back by a day between two runs",
        "new outputs would be older than their inputs",
        "what is done stays done; what is new stops with both times, and goes on once the files "
        "of tomorrow have today's date",
    )


def test_diverging_training(copied, tiny_study, record_fault):
    study = copy.deepcopy(tiny_study)
    study["methods"]["unet2d"] |= {"learning_rate": 1e30, "optimiser": "sgd", "iterations": 4}
    study["methods"]["flair_threshold"]["smoothing_mm"] = [0.5]
    shown = copied.run(study, check=False)
    assert "failed, 2 x train_model: found a loss of" in shown
    assert "unet2d fold 1 seed 0: epoch 1: found a loss of" in shown
    assert "lower learning_rate" in shown
    results = copied.results(study)
    assert not (results / RUN / "model.safetensors").exists()
    other = results / "runs/flair_threshold/fold-1_seed-0"
    assert (other / "metrics.csv").stat().st_mtime > (copied.folder / "study.yaml").stat().st_mtime
    record_fault(
        "a training diverges to NaN",
        "the epoch's loss is not finite",
        "that run stops with method, fold, seed, epoch and remedy; all other runs are evaluated",
    )


def test_failing_case(copied, tiny_study, record_fault):
    """One case has a brain mask of a single voxel: the study stops, or goes on without it."""
    source = copied.folder / "source"
    shutil.copytree(copied.results(tiny_study) / "dataset/bids", source)
    mask = next(source.rglob("sub-02*_space-T1w_desc-brain_mask.nii.gz"))
    image = read_image(mask)
    voxels = np.zeros_like(np.asanyarray(image.dataobj))
    voxels[tuple(size // 2 for size in voxels.shape)] = 1
    write_image(mask, nibabel.Nifti1Image(voxels, image.affine, image.header))
    study = copy.deepcopy(tiny_study)
    study["study"] = "failing"
    study["methods"].pop("unet2d")
    study["dataset"] |= {"recipe": "bids", "source": str(source)}
    shown = copied.run(study, "preprocess", check=False)
    assert "failed, 1 x strip_skull" in shown
    study["dataset"]["on_problem"] = "drop"
    copied.run(study)
    results = copied.results(study)
    manifest = read_json(results / "store/native/manifest.json")
    assert sorted(manifest["cases"]) == ["sub-01", "sub-03"]
    assert manifest["failed"]["sub-02"]["stage"] == "strip_skull"
    rows = read_table(results / "failed_cases.tsv")
    assert {(row["method"], row["case"]) for row in rows} == {("flair_threshold", "sub-02")}
    with (results / "metrics.csv").open() as stream:
        assert {row["case"] for row in csv.DictReader(stream)} == {"sub-01", "sub-03"}
    told = "1 case whose preprocessing failed: sub-02 (strip_skull)"
    assert told in (results / "tables/leaderboard.html").read_text()
    page = (results / "report/index.html").read_text()
    assert told in page
    assert "sub-02: strip_skull failed: found" in page
    left_out = [read_json(path)["left_out"] for path in sorted(results.rglob("run.json"))]
    assert ["sub-02"] in left_out
    assert "Nothing to be done" in copied.run(study, "-n")
    record_fault(
        "the preprocessing of one case fails, with `on_problem: drop`",
        "the stage notes the failure in the place of its outputs; later stages pass it on",
        "the study ends without the case, which tables and page name with stage and reason",
    )
