"""The project's profile on a real SLURM."""

import csv
from collections.abc import Callable
from pathlib import Path

import driver
import pytest
from cluster import Cluster, accounting

pytestmark = pytest.mark.slow
WORKFLOW = Path(__file__).parent / "Snakefile"


@pytest.fixture(scope="module")
def finished(slurm_cluster: Cluster, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of the small workflow."""
    folder = tmp_path_factory.mktemp("finished")
    status, output = driver.run(root, folder, slurm_cluster.environment, f"--snakefile={WORKFLOW}")
    assert status == 0, output
    return folder


def test_srun_gives_each_job_its_own_gpus(slurm_cluster: Cluster) -> None:
    show = ("sh", "-c", "echo gpus=${CUDA_VISIBLE_DEVICES:-none}")
    assert "gpus=0\n" in slurm_cluster.run("srun", "--gres=gpu:1", *show)
    assert "gpus=0,1\n" in slurm_cluster.run("srun", "--gpus=a100:2", *show)
    assert "gpus=none\n" in slurm_cluster.run("srun", "--partition=cpu", *show)


def test_accounting_answers(slurm_cluster: Cluster) -> None:
    slurm_cluster.run("srun", "--account=research", "--comment=rule_counted", "true")
    assert accounting(slurm_cluster, "Account", "counted") == [["research", "COMPLETED"]]


def test_daemons_listen_on_loopback_only(slurm_cluster: Cluster) -> None:
    ports = {
        line.partition("=")[2]
        for file in ("slurm.conf", "slurmdbd.conf")
        for line in (slurm_cluster.folder / "etc" / file).read_text().splitlines()
        if "Port=" in line
    }
    # /proc/net/tcp: local address and state; 0A is "listen", 0100007F is 127.0.0.1.
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    found = {str(int(port, 16)): address for address, port in listening}
    assert {found.get(port) for port in ports} == {"0100007F"}


def test_every_job_lands_in_its_partition(slurm_cluster: Cluster, finished: Path) -> None:
    assert {job[0] for job in accounting(slurm_cluster, "Partition", "review_preprocessing")} == {
        "cpu"
    }
    for rule in ("train_model", "predict_cases"):
        rows = accounting(slurm_cluster, "Partition,ReqTRES%100,WorkDir%200", rule)
        jobs = [row for row in rows if row[2] == str(finished)]
        assert jobs
        assert all(job[0] == "gpu" and "gres/gpu=1" in job[1] for job in jobs), jobs


def test_two_trainings_at_once_have_a_gpu_each(
    finished: Path, record_fault: Callable[[str, str, str], None]
) -> None:
    devices = [(finished / f"model-{seed}.txt").read_text().strip() for seed in (0, 1)]
    assert sorted(devices) == ["0", "1"]
    assert (finished / "predictions.txt").read_text().strip() in ("0", "1")
    record_fault(
        "two trainings at once on a node with two GPUs",
        "SLURM gave each of them a device of its own",
        "both ran at the same time, each on its own device",
    )


def test_small_trainings_share_a_device_by_shards(
    slurm_cluster: Cluster, root: Path, tmp_path: Path
) -> None:
    asked = ("--set-resources", "train_model:gres='shard:1'", "--")
    arguments = (f"--snakefile={WORKFLOW}", *asked, "model-0.txt", "model-1.txt")
    status, output = driver.run(root, tmp_path, slurm_cluster.environment, *arguments)
    assert status == 0, output
    assert [(tmp_path / f"model-{seed}.txt").read_text().strip() for seed in (0, 1)] == ["0", "0"]


def test_memory_and_time_grow_after_a_failure(slurm_cluster: Cluster, finished: Path) -> None:
    first, second = accounting(slurm_cluster, "ReqMem,Timelimit", "predict_cases")
    assert first == ["300M", "00:10:00", "FAILED"]
    assert second == ["600M", "00:20:00", "COMPLETED"]


def test_job_without_enough_memory_gets_more(
    slurm_cluster: Cluster, finished: Path, record_fault: Callable[[str, str, str], None]
) -> None:
    first, second = accounting(slurm_cluster, "ReqMem", "make_splits")
    assert first[0] == "350M"
    assert first[1] in ("FAILED", "OUT_OF_MEMORY")
    assert second == ["700M", "COMPLETED"]
    assert (finished / "splits.txt").read_text() == "700\n"
    record_fault(
        "a job takes more memory than it asked for",
        "SLURM killed it",
        "submitted it again with twice the memory and time; the run completed",
    )


def test_only_failed_jobs_leave_a_log(finished: Path) -> None:
    logs = {path.parent.name for path in (finished / "logs" / "slurm").rglob("*.log")}
    assert logs == {"rule_make_splits", "rule_predict_cases"}


def test_efficiency_report_names_every_rule(finished: Path) -> None:
    (report,) = (finished / "logs" / "slurm").glob("efficiency_report_*.csv")
    with report.open() as file:
        rows = list(csv.DictReader(file))
    rules = {row["RuleName"].removeprefix("rule_").partition("_wildcards")[0] for row in rows}
    assert rules == {"review_preprocessing", "make_splits", "train_model", "predict_cases"}
    assert any(float(row["MaxRSS_MB"]) > 400 for row in rows if "make_splits" in row["RuleName"])


@pytest.mark.xfail(
    strict=True,
    reason="snakemake-executor-plugin-slurm issue 447: tasks of an array wait for the first one's "
    "output; once this passes, the profile may ask for arrays",
)
def test_array_tasks_do_not_hang_on_the_first(
    slurm_cluster: Cluster, root: Path, tmp_path: Path
) -> None:
    cases = [f"bias/sub-0{number}.txt" for number in (1, 2)]
    arguments = (
        "--slurm-array-jobs=measure_cost",
        "--retries=0",
        f"--snakefile={WORKFLOW}",
    )
    driver.run(root, tmp_path, slurm_cluster.environment, *arguments, *cases)
    jobs = accounting(slurm_cluster, "JobID", "measure_cost")
    assert len(jobs) == 2
    assert jobs[0][0].endswith("_1")
    assert sum((tmp_path / case).exists() for case in cases) == 1
