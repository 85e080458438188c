"""Files of methods that learn a few numbers and no network."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from mribench import files
from mribench.training import record
from mribench.training.job import Job
from mribench.training.weights import load_weights, save_weights


def save_numbers(path: Path, numbers: Mapping[str, float], description: dict[str, str]) -> None:
    """Write named numbers as a model file."""
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
    save_weights(path, tensors, description, sealed=True)


def load_numbers(path: Path) -> dict[str, float]:
    """Read what :func:`save_numbers` wrote."""
    return {name: float(tensor) for name, tensor in load_weights(path).items()}


@contextmanager
def record_run(job: Job) -> Iterator[None]:
    """Write ``run.json`` when the block, the training, is done."""
    start, began = record.now(), time.monotonic()
    yield
    content = {
        **job.identity(),
        "start": start,
        "end": record.now(),
        "seconds": round(time.monotonic() - began, 2),
        **record.place(torch.device("cpu")),
        **record.software(),
    }
    files.write_json(job.run_folder / "run.json", content, sealed=True)
