"""What one training is told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mribench.training.store import CaseStore


@dataclass(frozen=True)
class Job:
    """One run: a method on one fold with one seed.

    Attributes
    ----------
    name
        Name of the method in the study, for messages.
    store
        The packed cases.
    training, validation
        Case ids.
    fold, seed
        Which run it is.
    run_folder
        Folder for ``model.safetensors``, ``history.csv`` and ``tensorboard/``.
    checkpoint_folder
        Folder for the states from which an interrupted training goes on; it belongs to
        this run and these settings alone.
    checkpoint_seconds
        Least time between two states, besides the one at SIGTERM.
    device
        ``auto``, ``cpu`` or ``cuda``.
    devices
        How many devices share each batch; ``auto`` takes the GPUs that the job was given.
    threads
        CPU threads, of all devices together.
    left_out
        Cases of the fold whose preprocessing failed, for the record.
    """

    name: str
    store: CaseStore
    training: list[str]
    validation: list[str]
    fold: int
    seed: int
    run_folder: Path
    checkpoint_folder: Path
    checkpoint_seconds: float = 60.0
    device: str = "auto"
    devices: int | Literal["auto"] = "auto"
    threads: int = 1
    left_out: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The run in words."""
        return f"{self.name} fold {self.fold} seed {self.seed}"

    def identity(self) -> dict[str, Any]:
        """Return what every ``run.json`` says of the run it belongs to."""
        return {
            "method": self.name,
            "fold": self.fold,
            "seed": self.seed,
            "threads": self.threads,
            "left_out": self.left_out,
        }
