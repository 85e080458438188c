"""Where and how a network computes."""

import logging
import os
import resource
from typing import Any

import torch

from mribench.errors import TrainingError, describe
from mribench.training.job import Job
from mribench.training.ranks import Ranks

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


def count_devices(job: Job, batch_size: int) -> int:
    """Return how many devices of its kind (``cpu`` or ``cuda``) a training uses.

    ``auto`` takes the GPUs that the job was given (``CUDA_VISIBLE_DEVICES``), as many as the
    batch can be shared by, and one device where nothing was given.

    Raises
    ------
    TrainingError
        If a number is wanted that there is not, or that a batch cannot be shared by.
    """
    gpus = torch.cuda.device_count() if job.device == "cuda" else 0
    if job.devices == "auto":
        given = gpus if os.environ.get("CUDA_VISIBLE_DEVICES") else 1
        used = max(1, min(given, batch_size))
        if used < given:
            LOG.warning(
                "%s: uses %d of %d GPUs: its batches have no more patches", job.title, used, given
            )
        return used
    if job.devices > batch_size:
        remedy = "take fewer devices, or a larger batch_size"
        raise _too_many(job, f"batches of {batch_size} patches", "at least one a device", remedy)
    if job.devices > gpus > 0:
        remedy = "ask for as many GPUs (docs/cluster.md), or take --device cpu"
        raise _too_many(job, f"{gpus} that torch can use", f"{job.devices} GPUs", remedy)
    return job.devices


def _too_many(job: Job, found: str, expected: str, remedy: str) -> TrainingError:
    return TrainingError(
        describe(
            subject=job.title,
            file=f"--devices {job.devices}",
            found=found,
            expected=expected,
            remedy=remedy,
        )
    )


def make_fabric(device: torch.device, gpu_precision: str, ranks: Ranks) -> Any:
    """Return Lightning Fabric for this process; mixed precision is used on a GPU only.

    The plain environment is named, so that a job of SLURM with several tasks is not
    taken for one distributed training. With several ranks each takes the device of its number,
    and torch's DistributedDataParallel averages the gradients: its buckets stay as they are
    built, so that a training that goes on sums in the same order, and a network may have
    weights that it does not use. The buffers need no copying, see ``batch_norm``.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    strategy = DDPStrategy(find_unused_parameters=True, forward_sync_buffers=False)
    precision = gpu_precision if device.type == "cuda" else "32"
    fabric = Fabric(
        accelerator=device.type,
        devices=ranks.size,
        strategy=strategy if ranks.size > 1 else "auto",
        precision=PRECISIONS[precision],
        plugins=LightningEnvironment(),
    )
    fabric.launch()
    return fabric


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
