"""A disk that is full: one clear line, nothing half written, and the rest of the study safe."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from small_methods import MakeJob, MakeMethod

from mribench import command
from mribench.files import make_image, write_image
from mribench.preprocessing.conform_image import conform_case
from mribench.training.store import write_case

SHORT = {"epochs": 2, "iterations": 1}
RecordFault = Callable[[str, str, str], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 64 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fail(action: Callable[[], object]) -> None:
    """Do as a script does; it must end with status 1."""
    with pytest.raises(SystemExit) as caught:
        command.run(lambda _: action() and None, command.parser(""), [])
    assert caught.value.code == 1


def require_one_line(shown: str, name: str) -> None:
    told = [line for line in shown.splitlines() if "No space left" in line]
    assert len(told) == 1, shown
    assert told[0].startswith("ERROR: ")
    assert f"{name}: No space left on device; free some space" in told[0]
    assert "Traceback" not in shown


def files_on(disk: Path) -> list[str]:
    return sorted(path.name for path in disk.rglob("*") if path.is_file())


def test_preprocessing(
    small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], record_fault: RecordFault
) -> None:
    noise = np.random.default_rng(0).normal(500, 100, (40, 40, 40)).astype(np.float32)
    raw = tmp_path / "sub-01_T1w.nii.gz"
    write_image(raw, make_image(noise, np.eye(4)))
    output = small_disk / "sub-01_desc-conformed_T1w.nii.gz"
    fail(lambda: conform_case([raw], [output]))
    require_one_line(capsys.readouterr().err, output.name)
    assert files_on(small_disk) == []
    record_fault(
        "the disk is full while a case is preprocessed",
        "the image cannot be written",
        "one line with file and remedy; no half file",
    )


def test_packing(
    small_disk: Path, capsys: pytest.CaptureFixture[str], record_fault: RecordFault
) -> None:
    arrays = np.ones((2, 40, 40, 40)), np.zeros((40, 40, 40)), np.ones((40, 40, 40))
    fail(lambda: write_case(small_disk, "sub-01", *arrays))
    require_one_line(capsys.readouterr().err, "sub-01_images.npy")
    assert files_on(small_disk) == []
    record_fault(
        "the disk is full while the case store is packed",
        "an array cannot be written",
        "one line with file and remedy; no half array, no manifest",
    )


def test_model(
    small_disk: Path,
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    record_fault: RecordFault,
) -> None:
    job = make_job(tmp_path, run_folder=small_disk, checkpoint_seconds=0)
    fail(lambda: make_method("unet2d", **SHORT).train(job))
    require_one_line(capsys.readouterr().err, "model.safetensors")
    assert not [name for name in files_on(small_disk) if not name.startswith("events.")]
    states = sorted(job.checkpoint_folder.glob("*.safetensors"))
    assert len(states) == 2
    again = make_job(tmp_path, run_folder=tmp_path / "elsewhere")
    make_method("unet2d", **SHORT).train(again)
    record_fault(
        "the disk is full when a training has ended",
        "the model cannot be written",
        "one line with file and remedy; no half model; the states are kept, and with more room "
        "the same command only writes the model",
    )


def test_checkpoint(
    small_disk: Path,
    make_method: MakeMethod,
    make_job: MakeJob,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    record_fault: RecordFault,
) -> None:
    states = small_disk / "run" / "spec"
    job = make_job(tmp_path, checkpoint_folder=states, checkpoint_seconds=0)
    fail(lambda: make_method("unet2d", **SHORT).train(job))
    require_one_line(capsys.readouterr().err, "000000001.safetensors")
    assert files_on(small_disk) == ["lock"]
    record_fault(
        "the disk is full while a training saves its state",
        "the state cannot be written",
        "one line with file and remedy; no half state",
    )


def test_watching_a_training_needs_no_room(
    small_disk: Path, make_method: MakeMethod, make_job: MakeJob, tmp_path: Path
) -> None:
    """TensorBoard's file is for the eye: without room for it a training must not hang."""
    (small_disk / "filler").write_bytes(b"0" * 64 * 1024)
    job = make_job(tmp_path)
    job.run_folder.mkdir(parents=True)
    (job.run_folder / "tensorboard").symlink_to(small_disk, target_is_directory=True)
    make_method("unet2d", **{**SHORT, "epochs": 3}).train(job)
    assert (job.run_folder / "model.safetensors").exists()
