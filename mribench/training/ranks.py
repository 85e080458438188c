"""The processes of one training, one per device, and what they tell each other.

Rank is the number of a process. Every rank draws the same batch, computes the logits of its
share, and gathers those of the others: all see the loss of the whole batch, whatever kind of
mean it is.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed

PATIENCE = timedelta(minutes=30)


@dataclass(frozen=True)
class Ranks:
    """A process among those of its training.

    Attributes
    ----------
    rank, size
        Number of the process, from 0, and how many there are.
    messages
        Process group for a few numbers on the CPU, so that the devices need not be waited for.
    """

    rank: int = 0
    size: int = 1
    messages: Any = None

    def share(self, count: int) -> slice:
        """Return the part of `count` things that belongs to this rank; parts differ by one."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def gather(self, part: Tensor, count: int) -> Tensor:
        """Return the parts of all ranks, in order; gradients of all ranks flow back to them.

        Parameters
        ----------
        part
            What :meth:`share` of `count` gave this rank, along the first axis.
        count
            Length of the whole.
        """
        if self.size == 1:
            return part
        return _Gather.apply(part, self.share(count), count)  # type: ignore[no-any-return]

    def total(self, numbers: Tensor) -> Tensor:
        """Return the sum over the ranks of numbers on the CPU."""
        if self.size > 1:
            numbers = numbers.clone()
            distributed.all_reduce(numbers, group=self.messages)
        return numbers

    def any(self, flag: bool) -> bool:
        """Say whether the flag is set on any rank."""
        return bool(self.total(torch.tensor(int(flag))))

    def wait(self) -> None:
        """Return when all ranks have come here."""
        self.any(False)


ALONE = Ranks()


def join_ranks(rank: int, size: int, meeting: Path, device: str) -> Ranks:
    """Connect this process with the others of its training.

    Parameters
    ----------
    rank, size
        As in :class:`Ranks`.
    meeting
        File, not there before, through which they find each other.
    device
        ``cuda``, where they speak through NCCL, or ``cpu``, through Gloo.
    """
    if device == "cuda":
        torch.cuda.set_device(rank)
    backend = "nccl" if device == "cuda" else "gloo"
    address = f"file://{meeting}"
    distributed.init_process_group(
        backend, init_method=address, timeout=PATIENCE, rank=rank, world_size=size
    )
    return Ranks(rank, size, distributed.new_group(backend="gloo", timeout=PATIENCE))


class _Gather(torch.autograd.Function):
    """Each rank puts its part into zeros; their sum is the whole, without rounding."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, share: slice, count: int) -> Tensor:  # type: ignore[override]
        ctx.share = share
        whole = part.new_zeros((count, *part.shape[1:]))
        whole[share] = part
        distributed.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(gradient)
        return gradient[ctx.share], None, None
