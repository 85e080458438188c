"""nnU-Net, the self-configuring method, in its own environment (Isensee et al. 2021).

An external method: the program is found through ``NNUNET_ENVIRONMENT`` or in ``.venv-nnunet``
(see ``mribench.programs``); ``_nnunet_program`` is what runs there.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from mribench import config, files, memory
from mribench.methods import _external, _nnunet_data, _nnunet_program, base

if TYPE_CHECKING:
    from mribench.training.job import Job
    from mribench.training.store import Case

PROGRAM = "nnU-Net"


class Settings(config.Method):
    """Keys of nnU-Net; what is not here it decides by itself."""

    configuration: Literal["2d", "3d_fullres", "3d_lowres"] = "3d_fullres"
    """Slices, or blocks at full or lower resolution."""
    planner: str = Field("nnUNetPlannerResEncM", pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    """`ExperimentPlanner` (plain U-Net) or, residual, `nnUNetPlannerResEncM`, `…L`, `…XL`."""
    gpu_memory_gb: config.Positive | None = None
    """GPU memory that patch and batch are planned for; null takes the planner's own."""
    trainer: str = Field("nnUNetTrainer", pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    """Any trainer of nnU-Net, such as `nnUNetTrainer_5epochs`."""
    epochs: int | None = Field(None, ge=1)
    """Epochs; null takes the trainer's own, mostly 1000."""
    iterations: int | None = Field(None, ge=1)
    """Batches per epoch, with a fifth of it for validation; null takes the trainer's own 250."""


class Method(base.SegmentationMethod[Settings]):
    """nnU-Net's planning, training and prediction on the cases of a fold."""

    network_cost: dict[str, Any]
    running: _external.Answering

    def train(self, job: "Job") -> None:
        """Write the data set and the splits, run nnU-Net, and collect what it leaves.

        An interrupted training goes on from nnU-Net's own last state (every 50 epochs).
        """
        from mribench.training import checkpoints, record

        python = _external.python_of(PROGRAM)
        start, began = record.now(), time.monotonic()
        scratch = job.checkpoint_folder
        names = [*job.training, *(name for name in job.validation if name not in job.training)]
        raw = scratch / "nnUNet_raw" / _nnunet_program.DATASET
        if not (raw / "dataset.json").exists():
            cases = [self.open_case(job.store, name) for name in names]
            _nnunet_data.write_dataset(raw, cases, self.contrasts, self.classes)
        files.write_json(scratch / "job.json", self.describe_job(job))
        command = _command(python, "train", str(scratch / "job.json"))
        _external.run_to_end(job.title, command, _environment(scratch, job.threads))
        result = files.read_json(scratch / "result.json")
        seconds = round(time.monotonic() - began, 2)
        self.write_records(job, result, start, seconds)
        os.replace(scratch / "model.safetensors", job.run_folder / "model.safetensors")
        checkpoints.remove_states(scratch)

    def describe_job(self, job: "Job") -> dict[str, Any]:
        """Return what the program in nnU-Net's environment is told."""
        chosen = self.settings.model_dump(mode="json", exclude={"method", "variant", "contrasts"})
        return {
            **chosen,
            "folder": str(job.checkpoint_folder),
            "splits": _nnunet_data.splits(job.training, job.validation),
            "seed": job.seed,
            "threads": job.threads,
            "device": job.device,
            "model": str(job.checkpoint_folder / "model.safetensors"),
            "result": str(job.checkpoint_folder / "result.json"),
            "description": self.description(),
        }

    def write_records(self, job: "Job", result: dict[str, Any], start: str, seconds: float) -> None:
        """Write ``history.csv`` and ``run.json`` from what nnU-Net reports."""
        import torch

        from mribench.training import history, record

        self.network_cost = result["network"]
        job.run_folder.mkdir(parents=True, exist_ok=True)
        files.write_table(job.run_folder / "history.csv", result["history"], history.COLUMNS)
        here = record.software(("numpy", "safetensors"))
        content = {
            **job.identity(),
            "start": start,
            "end": record.now(),
            "seconds": seconds,
            "seconds_of_training_alone": result["seconds_of_training_alone"],
            "epochs": len(result["history"]),
            "validated_on": "validation" if job.validation else "training",
            "splits": _nnunet_data.splits(job.training, job.validation),
            "network": result["network"],
            **record.place(torch.device("cpu")),
            **here,
            "accelerator": result["accelerator"],
            "versions": {**here["versions"], **result["versions"]},
            "peak_memory_mb": result["peak_memory_mb"],
        }
        files.write_json(job.run_folder / "run.json", content, sealed=True)

    def load(self, model: Path, device: str, threads: int) -> None:
        """Start nnU-Net's predictor with a trained model; it ends with this process."""
        from mribench.training.weights import read_description

        self.require_same_input(model)
        python = _external.python_of(PROGRAM)
        command = _command(python, "predict", str(model), device, str(threads))
        environment = _environment(model.parent, threads)
        self.running = _external.Answering(f"{self.settings.method} {model}", command, environment)
        self.network_cost = read_description(model)["nnunet"]["cost"]

    def predict(self, case: "Case") -> np.ndarray:
        """Return probabilities (classes, x, y, z); 0 outside the brain, where images are 0."""
        with tempfile.TemporaryDirectory() as folder:
            temporary, output = Path(folder, "images.npy"), Path(folder, "found.npy")
            np.save(temporary, np.asarray(case.images, dtype=np.float32))
            request = {
                "images": str(temporary),
                "spacing": list(case.spacing),
                "output": str(output),
            }
            self.running.ask(json.dumps(request))
            values = np.load(output, allow_pickle=False)[1:]
        return values * (np.asarray(case.mask) > 0)

    def cost(self) -> dict[str, Any]:
        """Return what was counted when it was trained: nnU-Net plans its network itself."""
        return self.network_cost


def _command(python: Path, *arguments: str) -> list[str]:
    return [str(python), "-I", _nnunet_program.__file__, *arguments]


def _environment(folder: Path, threads: int) -> dict[str, str]:
    """Return nnU-Net's variables: three folders, threads instead of its guesses, kept memory."""
    names = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
    return {
        **{name: str(folder / name) for name in names},
        "nnUNet_def_n_proc": str(threads),
        "nnUNet_n_proc_DA": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "MPLBACKEND": "Agg",
        **memory.FOR_PROGRAMS,
    }
