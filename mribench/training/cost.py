"""What a network costs: parameters, and operations of one forward pass."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from mribench.networks.blocks import count_parameters
from mribench.training.learner import Learner
from mribench.training.patches import Batch


def measure_network(method: Learner, shape: Sequence[int]) -> dict[str, Any]:
    """Return parameters and multiply-adds of one patch of a method's network.

    Parameters
    ----------
    method
        Builds and calls the network.
    shape
        Channels and voxels of the patch.

    Notes
    -----
    Counted by torch: convolutions and matrix products, on tensors without memory, at voxels
    of 1 mm.
    """
    network = method.build_network().eval().to("meta")
    with torch.device("meta"), torch.no_grad():
        axes = len(shape) - 1
        batch = Batch(
            torch.zeros((1, *shape)),
            torch.zeros((1, *shape[1:]), dtype=torch.uint8),
            torch.zeros((1, axes)),
            torch.tensor([shape[1:]]),
            torch.ones((1, axes), device="cpu"),
        )
        # What is made once per voxel size belongs to no forward pass.
        method.logits(network, batch)
        with FlopCounterMode(display=False) as counter:
            method.logits(network, batch)
    return {
        "parameters": count_parameters(network),
        "input_shape": "x".join(str(size) for size in shape),
        "multiply_adds": counter.get_total_flops() // 2,
    }
