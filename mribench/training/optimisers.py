"""Optimisers by name."""

from typing import Any

import torch
from torch import nn

MOMENTUM = 0.99


def make_optimiser(
    name: str, network: nn.Module, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Return an optimiser of all weights of a network.

    Parameters
    ----------
    name
        ``adam`` (weight decay as an L2 term), ``adamw`` (decoupled weight decay) or
        ``sgd`` (Nesterov momentum 0.99).
    network
        The network.
    learning_rate, weight_decay
        Of the optimiser.
    """
    made: dict[str, Any] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "sgd": torch.optim.SGD,
    }
    momentum = {"momentum": MOMENTUM, "nesterov": True} if name == "sgd" else {}
    return made[name](network.parameters(), lr=learning_rate, weight_decay=weight_decay, **momentum)
