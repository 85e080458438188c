"""Where and how a network computes."""

import logging
import os
import resource
from typing import Any

import torch

from mribench.errors import TrainingError, describe

LOG = logging.getLogger("mribench")
PRECISIONS: dict[str, Any] = {"32": "32-true", "16": "16-mixed", "bf16": "bf16-mixed"}


def choose_device(wanted: str) -> torch.device:
    """Return the device called ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    A job that was given a GPU which torch cannot use says so in its log.

    Raises
    ------
    TrainingError
        If a GPU is wanted and none can be used.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise TrainingError(
            describe(
                subject="--device cuda",
                file=f"torch {torch.__version__}",
                found="no GPU that torch can use",
                expected="one",
                remedy="take --device auto or cpu, or a node with a GPU and a torch built for it",
            )
        )
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted == "auto" and given and not available:
        LOG.warning(
            "this job was given GPU %s, but torch %s finds none that it can use: computing on the "
            "CPU. Install a torch built for the GPU, or ask for none (docs/cluster.md)",
            given,
            torch.__version__,
        )
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def make_fabric(device: torch.device, gpu_precision: str) -> Any:
    """Return Lightning Fabric for one device; mixed precision is used on a GPU only.

    The plain environment is named, so that a job of SLURM with several tasks is not
    taken for one distributed training.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    precision = gpu_precision if device.type == "cuda" else "32"
    return Fabric(
        accelerator=device.type,
        devices=1,
        precision=PRECISIONS[precision],
        plugins=LightningEnvironment(),
    )


def make_deterministic(device: torch.device, threads: int) -> None:
    """Make the same seed give the same numbers on the same kind of machine.

    On the CPU operations that cannot repeat their bits are refused; on a GPU, where some
    have no other form, they are warned of.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def peak_memory_mb(device: torch.device) -> dict[str, float]:
    """Return the largest memory in use so far in MB: of the process, and of the GPU if used."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = {"process": round(kilobytes / 1024, 1)}
    if device.type == "cuda":
        peak["gpu"] = round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return peak
