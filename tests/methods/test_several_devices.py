"""One training on two devices, here two processes on the CPU: the same result, the same faults."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest
from faulty_methods import FaultyMethod, compare
from small_methods import SMALL, MakeJob, MakeMethod

from mribench.errors import StoppedError, TrainingError
from mribench.files import read_json, read_table
from mribench.methods.base import SegmentationMethod
from mribench.training.interruption import Interruption
from mribench.training.weights import load_weights
from mribench.training.workers import Worker, look_after

FILES = ("model.safetensors", "history.csv")
# Batches of three: the processes have shares of one and two patches.
KEYS: dict[str, Any] = {
    "epochs": 2,
    "iterations": 3,
    "batch_size": 3,
    "augmentation": {},
    "optimiser": "sgd",
}
SUBJECTS = ["sub-01", "sub-02", "sub-03"]
QUICK = ["unet3d", "scp"]
SLOW = [name for name in SMALL if name not in (*QUICK, "unet2d", "flair_threshold")]
MakeFaulty = Callable[..., SegmentationMethod[Any]]
RecordFault = Callable[[str, str, str], None]


def contents(folder: Path) -> list[bytes]:
    return [(folder / "run" / name).read_bytes() for name in FILES]


def largest_difference(first: Path, second: Path) -> float:
    one, two = (load_weights(folder / "run" / FILES[0]) for folder in (first, second))
    assert one.keys() == two.keys()
    return max(float((one[name].double() - two[name].double()).abs().max()) for name in one)


@pytest.fixture(scope="module")
def make_faulty(make_method: MakeMethod) -> MakeFaulty:
    """Return a method that goes wrong in a process, at a forward pass."""

    def make(fault: str, rank: int, call: int) -> SegmentationMethod[Any]:
        plain = make_method("unet2d", **KEYS)
        made = FaultyMethod(plain.settings, plain.contrasts, plain.classes)
        made.fault, made.rank, made.call = fault, rank, call
        return made

    return make


@pytest.fixture(scope="module")
def undisturbed(
    make_method: MakeMethod, make_job: MakeJob, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("two")
    job = make_job(folder, devices=2, training=SUBJECTS, validation=SUBJECTS)
    make_method("unet2d", **KEYS).train(job)
    return folder


def test_two_devices_give_what_one_gives_and_say_so(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path, undisturbed: Path
) -> None:
    """Batch normalisation, Dice over the batch, unequal shares, three validation cases."""
    make_method("unet2d", **KEYS).train(make_job(tmp_path, training=SUBJECTS, validation=SUBJECTS))
    assert 0 < largest_difference(tmp_path, undisturbed) < 1e-5
    one, two = (read_table(folder / "run" / FILES[1]) for folder in (tmp_path, undisturbed))
    for alone, shared in zip(one, two, strict=True):
        assert {name: float(value) for name, value in shared.items()} == pytest.approx(
            {name: float(value) for name, value in alone.items()}, abs=1e-5
        )
    records = [read_json(folder / "run" / "run.json") for folder in (tmp_path, undisturbed)]
    assert [record["devices"] for record in records] == [1, 2]


def test_killed_and_stopped_training_goes_on_to_the_same_bytes(
    make_method: MakeMethod,
    make_faulty: MakeFaulty,
    make_job: MakeJob,
    tmp_path: Path,
    undisturbed: Path,
    record_fault: RecordFault,
) -> None:
    """A process is killed in the first epoch; SIGTERM comes in the second."""
    job = make_job(
        tmp_path, devices=2, training=SUBJECTS, validation=SUBJECTS, checkpoint_seconds=0
    )
    started = time.monotonic()
    with pytest.raises(TrainingError, match="tested fold 0 seed 0: process .* status -9"):
        make_faulty("kill", 1, 2).train(job)
    assert time.monotonic() - started < 300
    assert not multiprocessing.active_children()
    assert not list(job.run_folder.glob("*.*"))
    with pytest.raises(StoppedError, match="asked to stop in epoch 1") as caught:
        make_faulty("terminate", 1, 2).train(job)
    assert caught.value.exit_status == 75
    states = sorted(path.name for path in job.checkpoint_folder.iterdir())
    assert states == ["000000002.json", "000000002.safetensors"]
    make_method("unet2d", **KEYS).train(job)
    assert contents(tmp_path) == contents(undisturbed)
    record = read_json(job.run_folder / "run.json")
    assert [session["devices"] for session in record["sessions"]] == [2, 2]
    record_fault(
        "kill -9 of one of two processes that share a training; SIGTERM to such a training",
        "the other would wait for ever; the processes must stop at the same batch",
        "all end, with one line; status 75 after SIGTERM; the same command ends with the same bytes",
    )


def test_divergence_on_one_device_ends_all_with_its_error(
    make_faulty: MakeFaulty, make_job: MakeJob, tmp_path: Path
) -> None:
    words = "tested fold 0 seed 0: epoch 1: found a loss of nan"
    with pytest.raises(TrainingError, match=words) as caught:
        make_faulty("nan", 1, 1).train(make_job(tmp_path, devices=2))
    assert " of 2:\nTraceback" in caught.value.__notes__[0]
    assert not multiprocessing.active_children()


def test_stop_before_the_processes_have_begun_is_no_failure() -> None:
    context = multiprocessing.get_context("spawn")
    pipe, end = context.Pipe(duplex=False)
    process = context.Process(target=connection.wait, args=([end], 600))
    process.start()
    end.close()
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StoppedError, match="tested: asked to stop before it had begun"):
            look_after([Worker(process, pipe)], interruption, "tested")


def test_more_devices_than_patches_are_refused(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    words = "tested fold 0 seed 0: --devices 4: found batches of 3 patches; .* take fewer devices"
    with pytest.raises(TrainingError, match=words):
        make_method("unet2d", **KEYS).train(make_job(tmp_path, devices=4))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("names", "most"), [(QUICK, 1e-5), pytest.param(SLOW, 1e-4, marks=pytest.mark.slow)]
)
def test_networks_take_the_steps_that_they_take_on_one_device(
    names: list[str], most: float, make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    """One pair of processes for all networks: starting them takes longer than their steps."""
    methods = [make_method(name, **KEYS) for name in names]
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "ranks", methods, make_job(tmp_path))
    processes = [context.Process(target=compare, args=(rank, *arguments)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    lines = (tmp_path / "differences").read_text().splitlines()
    found = {name: float(value) for name, value in map(str.split, lines)}
    assert list(found) == names
    assert max(found.values()) < most, found
