"""Time of our layers against their peers, side by side in one process.

Spatial dependency layer, forward and backward: against the line-by-line loop over torch's
GRUCell that writes each line in place, with the same weights. Resolution-adaptive convolution
at the paper's width (8x0e + 4x1e + 2x2e, 5 mm at 1 mm), prediction and training step: against
a plain convolution of the same shape and e3nn's voxel convolution. Spatially covariant head on
whole slices, training step: against equation 13 with the weights of every slice and class made
and kept; and SCP(256) against Base(512). Medians over the repeats; the runs of the competitors
alternate. All of them keep freed memory, as the scripts of mribench do: without that the
competitors, which need more of it, are slower still. On a machine that others use too,
``--processor --threads 1`` counts processor seconds, which waiting does not change.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

import torch
from scp_costs import kept_bytes
from torch import Tensor, nn
from torch.nn import functional

from mribench.memory import keep_freed_memory
from mribench.networks.scp import (
    NETWORKS,
    SpatiallyCovariantHead,
    position_code,
    same_place,
)
from mribench.networks.spatial_dependency import Correction, SpatialDependency
from mribench.networks.spherical import PhysicalConvolution

STATE, DIRECTIONS, BATCH = 150, 4, 4
MAPS = ((96, 96), (192, 144))
FEATURES = ((8, 0), (4, 1), (2, 2))
IRREPS = "8x0e+4x1e+2x2e"
SPACING = (1.0, 1.0, 1.0)
SLICE, SLICES, N_C = (160, 224), 14, 256
Runs = dict[str, Callable[[], Tensor]]
Clock = Callable[[], float]


class LineByLine(nn.Module):
    """The sweep of a `Correction` as a loop over torch's cell with writes in place."""

    def __init__(self, layer: Correction) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, features: Tensor) -> Tensor:
        """Return the corrected features (batch, F, H, W)."""
        swept = features.clone().movedim(self.layer.axis, 2)
        steps = list(range(swept.shape[2]))
        if self.layer.backward_sweep:
            steps.reverse()
        for before, here in pairwise(steps):
            padded = functional.pad(swept[:, :, before], (1, 1))
            inputs = torch.cat((padded[..., :-2], padded[..., 1:-1], padded[..., 2:]), dim=1)
            states = swept[:, :, here].movedim(1, -1).flatten(0, 1)
            updated = self.layer.cell(inputs.movedim(1, -1).flatten(0, 1), states)
            swept[:, :, here] = updated.view(len(features), -1, swept.shape[1]).movedim(-1, 1)
        return swept.movedim(2, self.layer.axis)


def measure(runs: Runs, repeats: int, clock: Clock) -> dict[str, float]:
    """Return the median seconds of each run, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            _wait()
            start = clock()
            run()
            _wait()
            if repeat:
                seconds[name].append(clock() - start)
    return {name: median(values) for name, values in seconds.items()}


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def training_step(network: Callable[[Tensor], Tensor], images: Tensor) -> Callable[[], Tensor]:
    """Return a forward and backward pass, down to the gradient of the images."""

    def run() -> Tensor:
        given = images.detach().requires_grad_()
        network(given).square().mean().backward()
        assert given.grad is not None
        return given.grad

    return run


def prediction(network: Callable[[Tensor], Tensor], images: Tensor) -> Callable[[], Tensor]:
    """Return a forward pass without gradients."""

    def run() -> Tensor:
        with torch.inference_mode():
            return network(images)

    return run


def compare_dependency(shape: Sequence[int], repeats: int, device: str, clock: Clock) -> None:
    """Print one row: seconds of a spatial dependency layer and of the loop."""
    torch.manual_seed(0)
    ours = SpatialDependency(2, STATE, STATE, DIRECTIONS, residual=False).to(device)
    loops = nn.Sequential(*(LineByLine(layer) for layer in ours.corrections))
    images = torch.randn(BATCH, STATE, *shape, device=device)

    def peer(given: Tensor) -> Tensor:
        return ours.project_out(loops(ours.project_in(given).tanh()))

    runs = {"ours": training_step(ours, images), "loop": training_step(peer, images)}
    found = measure(runs, repeats, clock)
    with torch.no_grad():
        apart = float((ours(images) - peer(images)).abs().max())
    ratio = found["loop"] / found["ours"]
    size = " x ".join(map(str, shape))
    print(
        f"| {size} | {found['ours']:.3f} | {found['loop']:.3f} | {ratio:.2f} | {apart:.1e} |",
        flush=True,
    )


def compare_convolutions(size: int, repeats: int, device: str, clock: Clock) -> None:
    """Print two rows: seconds of the three convolutions, predicting and training."""
    from e3nn.nn.models.v2103.voxel_convolution import Convolution

    torch.manual_seed(0)
    images = torch.randn(1, 30, size, size, size, device=device)
    ours = PhysicalConvolution(FEATURES, FEATURES, 5.0).to(device)
    plain = nn.Conv3d(30, 30, 5, padding=2, bias=False).to(device)
    peer = Convolution(IRREPS, IRREPS, "0e+1e+2e", 5, SPACING).to(device)
    networks: dict[str, Callable[[Tensor], Tensor]] = {
        "ours": lambda given: ours(given, SPACING),
        "plain": plain,
        "e3nn": peer,
    }
    for kind, make in (("prediction", prediction), ("training step", training_step)):
        runs = {name: make(network, images) for name, network in networks.items()}
        found = measure(runs, repeats, clock)
        more = [100 * (found[name] / found["plain"] - 1) for name in ("ours", "e3nn")]
        cells = " | ".join(f"{found[name]:.3f}" for name in ("plain", "ours", "e3nn"))
        print(f"| {size}³ {kind} | {cells} | {more[0]:+.0f} % | {more[1]:+.0f} % |", flush=True)


class DirectHead(nn.Module):
    """Equation 13 to the letter: W + w_r of every slice, class after class."""

    def __init__(self, head: SpatiallyCovariantHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor, positions: Tensor) -> Tensor:
        """Return logits (batch, N, H, W)."""
        weights = self.head.weights(positions.expand(len(features), -1, -1, -1))
        shared = self.head.residual.weight
        logits = [
            ((weights[:, number] + shared[number]) * features).sum(dim=1)
            for number in range(self.head.classes)
        ]
        return torch.stack(logits, dim=1)


class PlacedHead(nn.Module):
    """A head, asked as the networks ask it: once for slices at one place."""

    def __init__(self, head: nn.Module, once: bool) -> None:
        super().__init__()
        self.head, self.once = head, once

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (batch, N, H, W) of whole slices."""
        origins = torch.zeros((len(features), 2), device=features.device)
        sizes = torch.tensor([SLICE] * len(features), device=features.device)
        if self.once and same_place(origins, sizes):
            origins, sizes = origins[:1], sizes[:1]
        return self.head(features, position_code(origins, sizes, SLICE))


def compare_heads(classes: int, repeats: int, device: str, clock: Clock) -> None:
    """Print one row: seconds and bytes kept of our head and of the direct form."""
    torch.manual_seed(0)
    head = SpatiallyCovariantHead(2, N_C // 16, classes, N_C // 2).to(device)
    ours, direct = PlacedHead(head, True), PlacedHead(DirectHead(head), False)
    images = torch.randn(SLICES, N_C // 16, *SLICE, device=device)
    runs = {"ours": training_step(ours, images), "direct": training_step(direct, images)}
    found = measure(runs, repeats, clock)
    kept = [kept_bytes(network, images) / 2**20 for network in (ours, direct)]
    with torch.no_grad():
        apart = float((ours(images) - direct(images)).abs().max())
    cells = f"{found['ours']:.3f} | {found['direct']:.3f} | {kept[0]:.0f} | {kept[1]:.0f}"
    print(f"| {classes} | {cells} | {apart:.1e} |", flush=True)


def compare_scp(repeats: int, device: str, clock: Clock) -> None:
    """Print the seconds of a training step of SCP(256) and Base(512), on one and more slices."""
    networks = {
        "SCP(256)": NETWORKS["scp"](2, 3, 1, 256),
        "Base(512)": NETWORKS["base"](2, 3, 1, 512),
    }
    for count in (1, 4):
        images = torch.randn(count, 3, *SLICE, device=device)
        runs = {name: training_step(made.to(device), images) for name, made in networks.items()}
        found = measure(runs, repeats, clock)
        kept = [kept_bytes(made, images) / 2**20 for made in networks.values()]
        cells = " | ".join(f"{found[name]:.3f}" for name in networks)
        print(f"| {count} | {cells} | {kept[0]:.0f} | {kept[1]:.0f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=(32, 48, 64, 96))
    parser.add_argument("--maps", type=int, nargs="*", default=(0, 1), help="which of the maps")
    parser.add_argument("--classes", type=int, nargs="*", default=(1, 4), help="of the SCP head")
    parser.add_argument("--processor", action="store_true", help="processor seconds, not time")
    arguments = parser.parse_args()
    keep_freed_memory()
    clock = time.process_time if arguments.processor else time.perf_counter
    torch.set_num_threads(arguments.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"{DIRECTIONS} directions, {STATE} channels, batch {BATCH}, {device}\n")
    print("| map | ours, s | loop, s | times faster | largest difference |")
    print("|---|---|---|---|---|")
    for chosen in arguments.maps:
        compare_dependency(MAPS[chosen], arguments.repeats, device, clock)
    print("\n| convolution | plain, s | ours, s | e3nn, s | ours against plain | e3nn |")
    print("|---|---|---|---|---|---|")
    for size in arguments.sizes:
        compare_convolutions(size, arguments.repeats, device, clock)
    print(f"\nSpatially covariant head, {SLICES} whole slices, N_c {N_C}\n")
    print("| classes | ours, s | direct, s | ours, MB kept | direct | largest difference |")
    print("|---|---|---|---|---|---|")
    for classes in arguments.classes:
        compare_heads(classes, arguments.repeats, device, clock)
    print("\n| slices | SCP(256), s | Base(512), s | SCP(256), MB kept | Base(512) |")
    print("|---|---|---|---|---|")
    compare_scp(arguments.repeats, device, clock)


if __name__ == "__main__":
    main()
