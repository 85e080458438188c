"""The demo study, made small, through a real SLURM: the same bytes, and faults of its trainings."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import driver
import pytest
from cluster import Cluster, accounting, wait_for
from digests import digests

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
MODEL = "results/demo/runs/unet2d/fold-0_seed-0/model.safetensors"
LOG = "results/demo/logs/train_model/unet2d/fold-0_seed-0.log"


def study(root: Path, *configuration: str) -> list[str]:
    """Arguments of Snakemake: the demo study, made small and with some keys changed."""
    files = ["--configfile", str(root / "config.yaml"), str(HERE / "small.yaml")]
    return [f"--snakefile={root / 'Snakefile'}", *files, "--config", *configuration, "--"]


def run_here(root: Path, folder: Path, *arguments: str) -> None:
    """Run Snakemake on this machine."""
    command = [sys.executable, "-m", "snakemake", "--cores=2", f"--directory={folder}", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def here(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study ran on this machine."""
    folder = tmp_path_factory.mktemp("here")
    run_here(root, folder, *study(root))
    return folder


@pytest.fixture(scope="module")
def clustered(slurm_cluster: Cluster, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study ran on SLURM."""
    folder = tmp_path_factory.mktemp("clustered")
    status, output = driver.run(root, folder, slurm_cluster.environment, *study(root))
    assert status == 0, output
    return folder


def test_same_bytes_as_on_one_machine(here: Path, clustered: Path) -> None:
    expected, found = (digests(folder / "results" / "demo") for folder in (here, clustered))
    assert len(expected) > 100
    assert {"metrics.csv", "tables/leaderboard.csv", "tables/leaderboard.tex"} <= expected.keys()
    assert found == expected


def test_stages_of_a_case_are_one_job(slurm_cluster: Cluster, clustered: Path) -> None:
    assert [job[-1] for job in accounting(slurm_cluster, "JobID", "case")] == ["COMPLETED"] * 4


def test_gpu_that_torch_cannot_use_is_told(
    slurm_cluster: Cluster,
    root: Path,
    clustered: Path,
    record_fault: Callable[[str, str, str], None],
) -> None:
    assert "was given GPU" in (clustered / LOG).read_text()
    arguments = ["--set-resources", "train_model:device=cuda", "--retries=0"]
    arguments += study(root, "methods={unet2d: {epochs: 3}}")
    status, output = driver.run(root, clustered, slurm_cluster.environment, *arguments, MODEL)
    assert status != 0
    assert "no GPU that torch can use" in output
    record_fault(
        "a GPU that SLURM gives and torch cannot use",
        "torch found no device",
        "with `device: auto` said so in the log and trained on the CPU; "
        "with `device: cuda` stopped with one line that says what to do",
    )


def test_training_goes_on_after_the_time_limit(
    slurm_cluster: Cluster,
    root: Path,
    here: Path,
    tmp_path: Path,
    record_fault: Callable[[str, str, str], None],
) -> None:
    target = (*study(root, "methods={unet2d: {epochs: 120, patience: 120}}"), MODEL)
    folder = tmp_path / "limited"
    shutil.copytree(here, folder)
    log = folder / LOG
    log.unlink()
    with ThreadPoolExecutor() as pool:
        uninterrupted = pool.submit(run_here, root, here, *target)
        with driver.started(root, folder, slurm_cluster.environment, *target) as running:
            wait_for(lambda: log.exists() and "epoch" in log.read_text(), 400)
            job = slurm_cluster.run("squeue", "--noheader", "--format=%i").split()[0]
            slurm_cluster.run("scontrol", "update", f"JobId={job}", "EndTime=now")
            output, _ = running.communicate(timeout=1800)
        uninterrupted.result()
    assert running.returncode == 0, output
    assert "asked to stop in epoch" in output
    assert "goes on after" in log.read_text()

    jobs = accounting(slurm_cluster, "WorkDir%200", "train_model")
    assert [job[1] for job in jobs if job[0] == str(folder)] == ["TIMEOUT", "COMPLETED"]
    assert (folder / MODEL).read_bytes() == (here / MODEL).read_bytes()
    record_fault(
        "the time limit of a training",
        "SLURM sent SIGTERM and ended the job",
        "saved the state, submitted the job again with twice the time and went on from there; "
        "the weights are those of an uninterrupted training, bit for bit",
    )
