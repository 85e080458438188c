"""Parameters and multiply-adds of the four networks beside Table 4 of Carvalho et al., MIDL 2021.

Counted at the sizes that the paper names and at those that give its figures for the U-Net:
96 x 96 instead of 128 x 128 for liver, 128 x 96 instead of 192 x 144 for polyps. Weights only,
three channels in, one class out.
"""

from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from mribench.networks.blocks import count_parameters
from mribench.networks.dependency_unets import Dependency, HalvingUNet, NestedUNet

NETWORKS = {
    "U-Net": (HalvingUNet, False),
    "U-Net++": (NestedUNet, False),
    "SDU-Net": (HalvingUNet, True),
    "SDNU-Net": (NestedUNet, True),
}


class Task(NamedTuple):
    """One task of the paper: its networks and its column of the table."""

    levels: int
    dependency: Dependency
    named: tuple[int, int]
    counted: tuple[int, int]
    parameters: tuple[float, ...]
    operations: tuple[float, ...]


NUCLEI, OTHERS = Dependency(2, 150, 2, False), Dependency(1, 150, 2, True)
LARGE = (7.24, 9.76, 10.36, 11.0)
TASKS = {
    "nuclei": Task(4, NUCLEI, (96, 96), (96, 96), (1.8, 2.24, 5.42, 6.16), (1.31, 2.87, 2.59, 4.7)),
    "polyps": Task(5, OTHERS, (192, 144), (128, 96), LARGE, (2.28, 6.5, 3.01, 8.15)),
    "liver": Task(5, OTHERS, (128, 128), (96, 96), LARGE, (1.71, 4.87, 2.36, 6.09)),
}


def measure(name: str, task: Task) -> tuple[float, float, float]:
    """Return parameters in M, and multiply-adds in G at the named and at the counted size."""
    build, dependent = NETWORKS[name]
    operations = []
    with torch.device("meta"), torch.no_grad():
        network = build(2, 3, 1, 32, task.levels, task.dependency if dependent else None).eval()
        for shape in (task.named, task.counted):
            with FlopCounterMode(display=False) as counter:
                network(torch.zeros(1, 3, *shape))
            operations.append(counter.get_total_flops() / 2e9)
    return count_parameters(network) / 1e6, operations[0], operations[1]


def main() -> None:
    """Print the table."""
    print("| task | network | parameters, M | paper | named size, GMAC | counted size | paper |")
    print("|---|---|---|---|---|---|---|")
    for title, task in TASKS.items():
        rows = zip(NETWORKS, task.parameters, task.operations, strict=True)
        for name, parameters, operations in rows:
            found = measure(name, task)
            cells = [f"{found[0]:.2f} | {parameters:.2f} ({_apart(found[0], parameters)})"]
            cells += [f"{found[1]:.2f} | {found[2]:.2f}"]
            cells += [f"{operations:.2f} ({_apart(found[2], operations)})"]
            print(f"| {title} | {name} | {' | '.join(cells)} |", flush=True)


def _apart(own: float, published: float) -> str:
    return f"{100 * (own / published - 1):+.1f} %"


if __name__ == "__main__":
    main()
