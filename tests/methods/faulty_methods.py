"""What the processes of a training on several devices import: a method that fails, and a comparison."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mribench.methods import unet2d
from mribench.methods.base import NetworkMethod
from mribench.training.job import Job
from mribench.training.loop import Trainer
from mribench.training.ranks import ALONE, Ranks, join_ranks


class FaultyMethod(unet2d.Method):
    """A 2D U-Net that goes wrong in one of its processes.

    Attributes
    ----------
    fault
        ``kill``, ``nan`` or ``terminate`` (the process that looks after the others).
    rank, call
        The process, and which of its forward passes.
    """

    fault = "none"
    rank = 0
    call = 0
    calls = 0

    def logits(self, network: torch.nn.Module, batch: Any) -> Tensor:
        """Return the logits, or go wrong."""
        logits = super().logits(network, batch)
        self.calls += 1
        if self.calls != self.call or os.environ.get("LOCAL_RANK") != str(self.rank):
            return logits
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "terminate":
            os.kill(os.getppid(), signal.SIGTERM)
            # The word takes half a second to the first process, which waits for this one.
            time.sleep(5)
        return logits * torch.nan if self.fault == "nan" else logits


def steps(method: NetworkMethod[Any], job: Job, ranks: Ranks) -> dict[str, Tensor]:
    """Return the weights after two steps."""
    trainer = Trainer(method, job, ranks)
    trainer.set_learning_rate()
    for batch in trainer.feed.batches(0, 2):
        trainer.step(batch)
        trainer.seen += 1
    return trainer.network.module.state_dict()


def compare(rank: int, meeting: Path, methods: list[NetworkMethod[Any]], job: Job) -> None:
    """Write the largest difference of any weight that two processes make, per method."""
    os.environ["LOCAL_RANK"] = str(rank)
    ranks = join_ranks(rank, 2, meeting, "cpu")
    for method in methods:
        alone, shared = steps(method, job, ALONE), steps(method, job, ranks)
        worst = max(float((alone[name] - shared[name]).abs().max()) for name in alone)
        if rank == 0:
            with (meeting.parent / "differences").open("a") as stream:
                print(method.settings.method, worst, file=stream)
