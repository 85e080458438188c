import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from small_methods import MakeJob, MakeMethod

from mribench.errors import TrainingError
from mribench.files import read_json, read_table
from mribench.methods.base import LossName
from mribench.training.patches import Batch, PatchSampler
from mribench.training.store import CaseStore

FILES = ("model.safetensors", "history.csv")
SHORT: dict[str, Any] = {"epochs": 3, "iterations": 3, "patience": 9, "augmentation": {}}


def contents(folder: Path) -> list[bytes]:
    return [(folder / "run" / name).read_bytes() for name in FILES]


def break_at(monkeypatch: pytest.MonkeyPatch, number: int, act: Any) -> None:
    """Call `act` when the batch of this number is read, the first time."""
    read = PatchSampler.batch
    done = []

    def batch(self: PatchSampler, wanted: int) -> Batch:
        if wanted == number and not done:
            done.append(wanted)
            act()
        return read(self, wanted)

    monkeypatch.setattr(PatchSampler, "batch", batch)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def die() -> None:
    raise RuntimeError("killed")


TRAINED = [
    "unet2d",
    "scp",
    "unet3d",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("resolution_adaptive", "sdu_net", "sdnu_net3d", "monai")
    ),
]


@pytest.mark.parametrize("name", TRAINED)
def test_equal_runs_and_interrupted_runs_give_equal_bytes(
    name: str,
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method = make_method(name, **SHORT)
    for folder in ("first", "second"):
        method.train(make_job(tmp_path / folder))
    assert contents(tmp_path / "first") == contents(tmp_path / "second")

    for folder, act, error in (("term", terminate, TrainingError), ("died", die, RuntimeError)):
        job = make_job(tmp_path / folder, checkpoint_seconds=0)
        break_at(monkeypatch, 7, act)
        with pytest.raises(error):
            method.train(job)
        assert not (tmp_path / folder / "run" / "model.safetensors").exists()
        assert list(job.checkpoint_folder.iterdir())
        method.train(job)
        assert contents(tmp_path / folder) == contents(tmp_path / "first")
        assert not job.checkpoint_folder.exists()


def test_sigterm_says_how_to_go_on_and_is_given_back(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    break_at(monkeypatch, 1, terminate)
    with pytest.raises(TrainingError, match="tested fold 0 seed 0: asked to stop in epoch 1"):
        make_method("unet2d", **SHORT).train(make_job(tmp_path))
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_seeds_and_settings_give_other_models(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    short = {**SHORT, "epochs": 1}
    make_method("unet2d", **short).train(make_job(tmp_path / "first"))
    make_method("unet2d", **short).train(make_job(tmp_path / "seed", seed=1))
    make_method("unet2d", **short, loss="soft_dice").train(make_job(tmp_path / "loss"))
    models = [contents(tmp_path / name)[0] for name in ("first", "seed", "loss")]
    assert len(set(models)) == 3


def test_threads_that_read_ahead_change_no_batch(make_method: MakeMethod, store: CaseStore) -> None:
    from mribench.training.feed import Feed

    sampler = make_method("unet2d").make_sampler([store.open("sub-01")], 0)  # type: ignore[attr-defined]
    for threads in (1, 2, 4):
        batches = list(Feed(sampler.batch, threads).batches(3, 10))
        assert len(batches) == 7
        for number, batch in enumerate(batches, start=3):
            assert torch.equal(batch.images, sampler.batch(number).images)


def test_diverged_training_is_named(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = PatchSampler.batch

    def batch(self: PatchSampler, number: int) -> Batch:
        made = read(self, number)
        return made._replace(images=made.images * torch.nan) if number == 4 else made

    monkeypatch.setattr(PatchSampler, "batch", batch)
    with pytest.raises(TrainingError, match="tested fold 0 seed 0: epoch 2: found a loss of nan"):
        make_method("unet2d", **SHORT).train(make_job(tmp_path))


def test_training_stops_when_nothing_gets_better(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    keys = {**SHORT, "epochs": 30, "iterations": 1, "patience": 2, "learning_rate": 1e-9}
    make_method("unet2d", **keys).train(make_job(tmp_path))
    rows, record = (
        read_table(tmp_path / "run" / "history.csv"),
        read_json(tmp_path / "run/run.json"),
    )
    scores = [float(row["validation_dice"]) for row in rows]
    assert len(rows) < 30
    assert record["epochs"] == len(rows) == record["best_epoch"] + 2
    assert max(scores) == scores[record["best_epoch"] - 1]


@pytest.mark.parametrize("loss", get_args(LossName))
def test_losses_by_name(
    loss: str, make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    keys = {**SHORT, "epochs": 2, "iterations": 1, "loss": loss}
    make_method("unet2d", **keys).train(make_job(tmp_path))
    rows = read_table(tmp_path / "run" / "history.csv")
    assert len({row["train_loss"] for row in rows}) == 2


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
def test_optimisers_by_name(
    optimiser: str, make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    keys = {**SHORT, "epochs": 2, "schedule": "poly", "monitor": "loss", "optimiser": optimiser}
    make_method("unet2d", **keys).train(make_job(tmp_path))
    rows = read_table(tmp_path / "run" / "history.csv")
    assert float(rows[1]["learning_rate"]) == pytest.approx(0.01 * 0.5**0.9)


def test_training_without_cases_is_refused(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="no training cases"):
        make_method("unet2d").train(make_job(tmp_path, training=[]))


def test_training_cases_stand_in_for_validation_cases(
    make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    method = make_method("unet2d", **{**SHORT, "epochs": 1})
    for name, cases in (("same", ["sub-01"]), ("none", [])):
        method.train(make_job(tmp_path / name, validation=cases))
    assert contents(tmp_path / "same") == contents(tmp_path / "none")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_missing_gpu_is_told(
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    record_fault: Callable[[str, str, str], None],
) -> None:
    with pytest.raises(TrainingError, match="no GPU that torch can use"):
        make_method("unet2d").train(make_job(tmp_path, device="cuda"))
    make_method("unet2d", **{**SHORT, "epochs": 1}).train(make_job(tmp_path, device="auto"))
    assert read_json(tmp_path / "run/run.json")["accelerator"] == "cpu"
    record_fault(
        "a GPU is asked for (`--device cuda`) where there is none",
        "torch finds none",
        "one line with the remedy; the default, `auto`, trains on the CPU and run.json says so",
    )
