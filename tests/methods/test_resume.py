"""Killed, stopped, damaged: a training goes on and ends with the bytes of an undisturbed one."""

import argparse
import json
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_methods import MakeJob, MakeMethod

from mribench import files
from mribench.errors import StoppedError, TrainingError
from mribench.files import read_json, read_table
from mribench.training import checkpoints, loop
from mribench.training.devices import make_fabric
from mribench.training.job import Job
from mribench.training.ranks import ALONE
from mribench.training.store import CaseStore
from scripts.train_model import checkpoint_folder

FILES = ("model.safetensors", "history.csv")
KILLED = -signal.SIGKILL
KEYS: dict[str, Any] = {"epochs": 4, "iterations": 3, "patience": 9, "augmentation": {}}
EPOCHS, ITERATIONS = KEYS["epochs"], KEYS["iterations"]


RecordFault = Callable[[str, str, str], None]


def contents(folder: Path) -> list[bytes]:
    return [(folder / "run" / name).read_bytes() for name in FILES]


def in_child(function: Callable[[], None]) -> int:
    """Call a function in a process of its own; return its exit code, -9 where it was killed."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_now(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at_batch(number: int) -> None:
    step = loop.Trainer.step

    def dying(self: loop.Trainer, batch: Any) -> Any:
        return kill_now() if self.seen == number else step(self, batch)

    loop.Trainer.step = dying  # type: ignore[method-assign]


def kill_at_write(count: int, size: float) -> None:
    """Die in the `count`-th state, after this share of its tensors."""
    save, calls = checkpoints.save_weights, []

    def dying(path: Path, tensors: Any) -> None:
        calls.append(path)
        save(path, tensors)
        if len(calls) == count:
            content = path.read_bytes()
            path.unlink()
            with files.atomic(path) as temporary:
                temporary.write_bytes(content[: int(size * len(content))])
                kill_now()

    checkpoints.save_weights = dying


def kill_between(count: int) -> None:
    """Die in the `count`-th state, between its tensors and its description."""
    write, calls = checkpoints.files.write_json, []

    def dying(path: Path, content: Any) -> None:
        if "checksum" in content:
            calls.append(path)
        if len(calls) == count:
            kill_now()
        write(path, content)

    checkpoints.files.write_json = dying


@pytest.fixture(scope="module")
def undisturbed(
    make_method: MakeMethod, make_job: MakeJob, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    make_method("unet2d", **KEYS).train(make_job(folder))
    return folder


def test_kill_9_anywhere_changes_no_byte(
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    undisturbed: Path,
    record_fault: RecordFault,
) -> None:
    """Two kills in one training: mid-batch, mid-write of a state, or between its two files."""
    draw = random.Random(0)
    ways = [
        lambda: kill_at_batch(draw.randrange(EPOCHS * ITERATIONS)),
        lambda: kill_at_write(draw.randrange(1, EPOCHS), draw.random()),
        lambda: kill_between(draw.randrange(1, EPOCHS)),
    ]
    for number in range(6):
        job = make_job(tmp_path / str(number), checkpoint_seconds=0)
        for attempt in (0, 1):
            way = ways[(number + attempt) % 3]

            def train(job: Job = job, way: Callable[[], None] = way) -> None:
                way()
                make_method("unet2d", **KEYS).train(job)

            assert in_child(train) in (KILLED, 0)
            draw.random()
        make_method("unet2d", **KEYS).train(job)
        assert contents(tmp_path / str(number)) == contents(undisturbed), number
        assert not job.checkpoint_folder.parent.exists()
        assert not list(job.run_folder.glob(".[0-9]*"))
    record_fault(
        "kill -9 of a training, twice: in any batch, while a state is written, between its files",
        "the last whole state is some batches old",
        "the same command goes on from it; weights and history have the same bytes",
    )


def test_killed_training_leaves_no_output_and_few_states(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    job = make_job(tmp_path, checkpoint_seconds=0)

    def train() -> None:
        kill_at_write(4, 0.5)
        make_method("unet2d", **KEYS).train(job)

    assert in_child(train) == KILLED
    assert not list(job.run_folder.glob("*.*"))
    whole = list(job.checkpoint_folder.glob("[0-9]*.json"))
    assert [path.stem for path in sorted(whole)] == ["000000006", "000000009"]


@pytest.mark.parametrize("place", ["batch", "validation"])
def test_sigterm_saves_at_once_and_changes_no_byte(
    place: str,
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    undisturbed: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_fault: RecordFault,
) -> None:
    name = {"batch": "step", "validation": "validate"}[place]
    original, calls = getattr(loop.Trainer, name), []

    def asked(self: loop.Trainer, *arguments: Any) -> Any:
        calls.append(self.seen)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, *arguments)

    monkeypatch.setattr(loop.Trainer, name, asked)
    job = make_job(tmp_path)
    with pytest.raises(StoppedError, match="the same command goes on") as caught:
        make_method("unet2d", **KEYS).train(job)
    assert caught.value.exit_status == 75
    assert len(calls) == 2
    make_method("unet2d", **KEYS).train(job)
    assert contents(tmp_path) == contents(undisturbed)
    record = read_json(tmp_path / "run" / "run.json")
    assert len(record["sessions"]) == 2
    assert record["start"] == record["sessions"][0]["start"]
    assert record["seconds"] == pytest.approx(sum(s["seconds"] for s in record["sessions"]))
    assert record["peak_memory_mb"]["process"] > 50
    assert "git" in record["code"]
    record_fault(
        f"SIGTERM to a training in a {place}",
        "the state is saved before the next step",
        "status 75, no error in the log; the same command ends with the same bytes",
    )


def test_predictions_after_a_kill_are_those_of_an_undisturbed_training(
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    undisturbed: Path,
    store: CaseStore,
) -> None:
    job = make_job(tmp_path, checkpoint_seconds=0)

    def train() -> None:
        kill_at_batch(8)
        make_method("unet2d", **KEYS).train(job)

    assert in_child(train) == KILLED
    make_method("unet2d", **KEYS).train(job)
    made = []
    for folder in (undisturbed, tmp_path):
        method = make_method("unet2d", **KEYS)
        method.load(folder / "run" / "model.safetensors", "cpu", 1)
        made.append(method.predict(method.open_case(store, "sub-02")))
    np.testing.assert_array_equal(made[0], made[1])


def test_damaged_state_costs_an_epoch_and_no_byte(
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    undisturbed: Path,
    caplog: pytest.LogCaptureFixture,
    record_fault: RecordFault,
) -> None:
    job = make_job(tmp_path, checkpoint_seconds=0)

    def train() -> None:
        kill_at_batch(10)
        make_method("unet2d", **KEYS).train(job)

    assert in_child(train) == KILLED
    newest = job.checkpoint_folder / "000000009.safetensors"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    with caplog.at_level("INFO", "mribench"):
        make_method("unet2d", **KEYS).train(job)
    assert "damaged state passed over (its checksum differs)" in caplog.text
    assert "goes on after 6 batches" in caplog.text
    assert contents(tmp_path) == contents(undisturbed)
    record_fault(
        "the newest state of a training is damaged by one bit",
        "its checksum differs",
        "a warning; the state before is taken; the same bytes at the end",
    )


def test_waiting_for_something_better_survives_an_interruption(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    keys = {**KEYS, "epochs": 30, "iterations": 1, "patience": 3, "learning_rate": 1e-9}
    make_method("unet2d", **keys).train(make_job(tmp_path / "whole"))
    epochs = len(read_table(tmp_path / "whole/run/history.csv"))
    assert 4 <= epochs < 30
    job = make_job(tmp_path / "killed", checkpoint_seconds=0)

    def train() -> None:
        kill_at_batch(epochs - 1)
        make_method("unet2d", **keys).train(job)

    assert in_child(train) == KILLED
    make_method("unet2d", **keys).train(job)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_states_of_other_settings_are_not_used(
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The script names the folder of the states after the digest of the spec."""
    arguments = argparse.Namespace(model=Path("study/runs/unet2d/fold-0_seed-0/model.safetensors"))
    names = [
        checkpoint_folder(argparse.Namespace(**vars(arguments), spec=spec))
        for spec in ('{"epochs":4}', '{"epochs":5}')
    ]
    assert names[0] != names[1]
    assert names[0].parent == names[1].parent == Path("study/checkpoints/unet2d/fold-0_seed-0")
    before = make_job(tmp_path, checkpoint_seconds=0, checkpoint_folder=tmp_path / names[0])

    def train() -> None:
        kill_at_batch(8)
        make_method("unet2d", **KEYS).train(before)

    assert in_child(train) == KILLED
    changed = {**KEYS, "learning_rate": 0.02}
    with caplog.at_level("INFO", "mribench"):
        make_method("unet2d", **changed).train(
            make_job(tmp_path, checkpoint_folder=tmp_path / names[1])
        )
    assert "goes on" not in caplog.text
    assert not before.checkpoint_folder.exists()
    make_method("unet2d", **changed).train(make_job(tmp_path / "fresh"))
    assert contents(tmp_path) == contents(tmp_path / "fresh")


def test_two_processes_cannot_train_one_run(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path, record_fault: RecordFault
) -> None:
    job = make_job(tmp_path)
    with (
        checkpoints.sole_process(job.checkpoint_folder, "first"),
        pytest.raises(TrainingError, match=f"found process {os.getpid()} on .*`kill {os.getpid()}"),
    ):
        make_method("unet2d", **KEYS).train(job)
    make_method("unet2d", **KEYS).train(job)
    record_fault(
        "a training is started while a job of a killed driver still trains the same run",
        "its lock is held",
        "one line with process and host, and how to end it without loss",
    )


@pytest.mark.parametrize("precision", ["32", "16", "bf16"])
def test_state_of_mixed_precision_can_be_written(precision: str, tmp_path: Path) -> None:
    """The scaler of 16-bit training is plain numbers; it needs a GPU to count, not to be saved."""
    fabric = make_fabric(torch.device("cpu"), precision, ALONE)
    state = fabric.strategy.precision.state_dict()
    scaler = torch.amp.GradScaler("cpu", enabled=precision == "16")
    plain = {**state, **scaler.state_dict()}
    checkpoints.save_state(tmp_path, 1, checkpoints.State({}, {"precision": plain}))
    found = checkpoints.load_state(tmp_path)
    assert found is not None
    assert found.content["precision"] == json.loads(json.dumps(plain))
    assert bool(plain) is (precision == "16")
