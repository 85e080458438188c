"""What a cluster does to a run, done to it on a real SLURM."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import driver
import pytest
from cluster import Cluster, accounting, wait_for

pytestmark = pytest.mark.slow
WORKFLOW = f"--snakefile={Path(__file__).parent / 'Snakefile'}"
STARTING = 400  # seconds that a job may take until it runs, on a busy machine

Record = Callable[[str, str, str], None]


def states(cluster: Cluster, rule: str, folder: Path) -> list[str]:
    """States of the jobs of a rule that ran in a folder, oldest first."""
    rows = accounting(cluster, "WorkDir%200", rule)
    return [row[-1].split()[0] for row in rows if row[0] == str(folder)]


def queued(cluster: Cluster) -> list[str]:
    """Numbers of the jobs that wait or run."""
    return cluster.run("squeue", "--noheader", "--format=%i").split()


def cancelling_command(root: Path) -> str:
    """The command of the documentation that cancels the jobs of a dead driver."""
    return re.search(r"^squeue --me .*scancel$", (root / "docs/cluster.md").read_text(), re.M)[0]


def test_cancelled_job_is_submitted_again(
    slurm_cluster: Cluster, root: Path, tmp_path: Path, record_fault: Record
) -> None:
    arguments = (WORKFLOW, "metrics.csv")
    with driver.started(root, tmp_path, slurm_cluster.environment, *arguments) as running:
        wait_for((tmp_path / "started").exists, STARTING)
        slurm_cluster.run("scancel", "--user=root")
        output, _ = running.communicate(timeout=1800)
    assert running.returncode == 0, output
    found = states(slurm_cluster, "evaluate_predictions", tmp_path)
    assert found == ["CANCELLED", "COMPLETED"]
    record_fault(
        "`scancel` of a running job", "SLURM ended the job", "submitted it again; the run completed"
    )


def test_second_driver_is_kept_out_after_the_death_of_the_first(
    slurm_cluster: Cluster, root: Path, tmp_path: Path, record_fault: Record
) -> None:
    arguments = (WORKFLOW, "metrics.csv")
    with driver.started(root, tmp_path, slurm_cluster.environment, *arguments) as running:
        wait_for((tmp_path / "started").exists, STARTING)
        running.kill()
        running.wait()
    status, output = driver.run(root, tmp_path, slurm_cluster.environment, *arguments)
    assert status != 0
    assert "LockException" in output
    assert "--unlock" in output
    assert len(queued(slurm_cluster)) == 1

    slurm_cluster.run("sh", "-c", cancelling_command(root))
    wait_for(lambda: not queued(slurm_cluster), 60)
    status, output = driver.run(root, tmp_path, slurm_cluster.environment, *arguments, "--unlock")
    assert status == 0, output
    status, output = driver.run(root, tmp_path, slurm_cluster.environment, *arguments)
    assert status == 0, output
    found = states(slurm_cluster, "evaluate_predictions", tmp_path)
    assert found == ["CANCELLED", "COMPLETED"]
    record_fault(
        "`kill -9` of the driver while its job runs, and a second driver started",
        "the job ran on and the folder stayed locked",
        "the second driver stopped at once, submitted nothing and named `--unlock`; "
        "the three commands of the documentation went on without a job run twice at a time",
    )


@pytest.mark.parametrize(
    ("daemon", "name"),
    [("slurmctld", "controller (slurmctld)"), ("slurmd", "daemon of the node (slurmd)")],
    ids=["slurmctld", "slurmd"],
)
def test_run_outlives_a_restart(
    slurm_cluster: Cluster,
    root: Path,
    tmp_path: Path,
    record_fault: Record,
    daemon: str,
    name: str,
) -> None:
    arguments = (WORKFLOW, "figure.txt")
    with driver.started(root, tmp_path, slurm_cluster.environment, *arguments) as running:
        wait_for((tmp_path / "started").exists, STARTING)
        slurm_cluster.stop(daemon)
        time.sleep(8)  # the job ends meanwhile, and nobody hears it
        slurm_cluster.start(daemon)
        output, _ = running.communicate(timeout=1800)
    assert running.returncode == 0, output
    assert states(slurm_cluster, "plot_figures", tmp_path) == ["COMPLETED"]
    record_fault(
        f"the {name} stopped and was started again during a run",
        "the job ended meanwhile",
        "waited, and took the job as done; it did not run twice",
    )


def test_run_completes_without_accounting(
    slurm_cluster: Cluster, root: Path, tmp_path: Path, record_fault: Record
) -> None:
    slurm_cluster.stop("slurmdbd")
    try:
        assert "Connection refused" in slurm_cluster.run("sacct", check=False)
        arguments = (WORKFLOW, "reviewed/sub-01.txt")
        status, output = driver.run(root, tmp_path, slurm_cluster.environment, *arguments)
    finally:
        slurm_cluster.start("slurmdbd")
    assert status == 0, output
    assert (tmp_path / "reviewed" / "sub-01.txt").exists()
    record_fault(
        "the accounting (slurmdbd) is down",
        "`sacct` and the efficiency report failed",
        "asked the controller for the states of its jobs; the run completed",
    )


def test_more_gpus_than_there_are_is_an_error_that_says_so(
    slurm_cluster: Cluster, root: Path, tmp_path: Path, record_fault: Record
) -> None:
    asked = ("--set-resources", "train_model:gpu=3", "--retries=0", "--")
    arguments = (WORKFLOW, *asked, "model-0.txt")
    status, output = driver.run(root, tmp_path, slurm_cluster.environment, *arguments)
    assert status != 0
    assert "Requested node configuration is not available" in output
    assert "Error in rule train_model" in output
    record_fault(
        "a training asks for more GPUs than a node has",
        "SLURM refused the job",
        "stopped and showed the rule, the request and SLURM's reason",
    )


def test_training_without_a_gpu_by_configuration(
    slurm_cluster: Cluster, root: Path, tmp_path: Path, record_fault: Record
) -> None:
    asked = ("--set-resources", "train_model:slurm_partition=cpu", "train_model:gpu=0", "--")
    arguments = (WORKFLOW, *asked, "model-0.txt", "model-1.txt")
    status, output = driver.run(root, tmp_path, slurm_cluster.environment, *arguments)
    assert status == 0, output
    assert (tmp_path / "model-0.txt").read_text() == "none\n"
    record_fault(
        "a cluster without GPUs",
        "the profile said `gpu: 0` and a partition without GPUs for the trainings",
        "trained on the CPU",
    )
