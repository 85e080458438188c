"""Cost ratios of the SCP paper's twelve networks: ours beside Table 1 of Zhang et al., IJCAI 2023.

FLOPs and parameters of one forward pass at 3 x 160 x 224, relative to Base(128). Memory is what
stands after a forward pass of training: the weights, once, and all tensors that the backward pass
needs. On a GPU it is the peak that torch reports, without one these bytes are counted. The paper
does not say what it measured; its ratios are met by this, not by a whole step with gradients and
the moments of Adam (`--bytes-per-weight 16`).
"""

import argparse
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mribench.networks.blocks import count_parameters
from mribench.networks.scp import NETWORKS

SHAPE = (3, 160, 224)
BYTES_PER_WEIGHT = 4
SIZES = (128, 256, 512)
# Memory, FLOPs, parameters relative to Base(128).
PAPER = {
    ("base", 128): (1.00, 1.00, 1.00),
    ("base_f", 128): (1.06, 1.02, 1.00),
    ("base_b", 128): (1.17, 1.02, 1.00),
    ("scp", 128): (1.78, 1.42, 1.02),
    ("base", 256): (2.13, 3.96, 4.02),
    ("base_f", 256): (2.19, 4.00, 4.02),
    ("base_b", 256): (2.43, 4.00, 4.02),
    ("scp", 256): (3.69, 5.51, 4.06),
    ("base", 512): (4.84, 15.71, 16.06),
    ("base_f", 512): (4.90, 15.80, 16.08),
    ("base_b", 512): (5.39, 15.82, 16.08),
    ("scp", 512): (7.94, 21.76, 16.22),
}


class Cost(NamedTuple):
    """What a network costs."""

    memory: float
    flops: float
    parameters: float


def count_flops(network: nn.Module, images: Tensor) -> int:
    """Return the operations of the convolutions in one forward pass."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(images)
    return counter.get_total_flops()


def kept_bytes(network: nn.Module, images: Tensor) -> int:
    """Return the bytes of the tensors that the backward pass keeps, each storage once."""
    kept: dict[int, int] = {}
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = network(images).sum()
        total = sum(kept.values())
    del loss
    return total


def peak_bytes(network: nn.Module, images: Tensor) -> int:
    """Return the peak memory on the GPU of a second forward pass of training."""
    network(images).sum()
    torch.cuda.reset_peak_memory_stats()
    network(images).sum()
    return torch.cuda.max_memory_allocated()


def measure(name: str, n_c: int, batch: int, bytes_per_weight: int = BYTES_PER_WEIGHT) -> Cost:
    """Return the cost of one network, on the GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    network = NETWORKS[name](2, SHAPE[0], 1, n_c).to(device)
    parameters = count_parameters(network)
    flops = count_flops(network, torch.zeros((1, *SHAPE), device=device))
    images = torch.rand((batch, *SHAPE), device=device)
    if device == "cuda":
        return Cost(peak_bytes(network, images), flops, parameters)
    memory = kept_bytes(network, images) + bytes_per_weight * parameters
    return Cost(memory, flops, parameters)


def print_table(costs: dict[tuple[str, int], Cost]) -> None:
    """Print the 36 ratios, and SCP(256) against Base(512)."""
    unit = costs["base", 128]
    print("| network | memory, paper | FLOPs, paper | parameters, paper |")
    print("|---|---|---|---|")
    for key, cost in costs.items():
        cells = [
            f"{own / one:.2f}, {published:.2f}"
            for own, one, published in zip(cost, unit, PAPER[key], strict=True)
        ]
        print(f"| {key[0]} {key[1]} | {' | '.join(cells)} |")
    print("\nSCP(256) saves against Base(512), in the paper 23.8 %, 64.9 % and 74.7 %:")
    for field in Cost._fields:
        small, large = getattr(costs["scp", 256], field), getattr(costs["base", 512], field)
        print(f"- {field}: {100 * (1 - small / large):.1f} %")


def main() -> None:
    """Measure all twelve networks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=1, help="slices in the step for the memory")
    parser.add_argument("--bytes-per-weight", type=int, default=BYTES_PER_WEIGHT)
    arguments = parser.parse_args()
    costs = {
        (name, n_c): measure(name, n_c, arguments.batch, arguments.bytes_per_weight)
        for n_c in SIZES
        for name in NETWORKS
    }
    print_table(costs)


if __name__ == "__main__":
    main()
