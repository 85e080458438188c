"""What training needs of a method that is a network."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mribench.training.patches import Batch, Sampler
from mribench.training.store import Case, CaseStore


class Opener(Protocol):
    """A method that opens cases of a store."""

    def open_case(self, store: CaseStore, name: str) -> Case:
        """Open a case with the contrasts of the method."""


class Learner(Opener, Protocol):
    """A network with its recipe; ``mribench.methods.base.NetworkMethod`` is the one there is."""

    settings: Any

    @property
    def mirror_axis(self) -> int | None:
        """Axis of a patch that runs from left to right."""

    def build_network(self) -> nn.Module:
        """Return the network with fresh weights."""

    def make_sampler(self, cases: Sequence[Case], seed: int) -> Sampler:
        """Return the source of the training batches."""

    def logits(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the logits of a batch."""

    def volume_logits(self, network: nn.Module, case: Case, device: torch.device) -> Tensor:
        """Return the logits (classes, x, y, z) of a whole case."""

    def description(self) -> dict[str, str]:
        """Return what the model file says of itself."""
