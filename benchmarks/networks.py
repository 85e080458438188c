"""Time of our layers against their peers, side by side in one process.

Spatial dependency layer, forward and backward: against the line-by-line loop over torch's
GRUCell that writes each line in place, with the same weights. Resolution-adaptive convolution
at the paper's width (8x0e + 4x1e + 2x2e, 5 mm at 1 mm), prediction and training step: against
a plain convolution of the same shape and e3nn's voxel convolution. Medians over the repeats;
the runs of the competitors alternate. On a machine that others use too, ``--processor
--threads 1`` counts processor seconds, which waiting does not change.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional

from mribench.networks.spatial_dependency import Correction, SpatialDependency
from mribench.networks.spherical import PhysicalConvolution

STATE, DIRECTIONS, BATCH = 150, 4, 4
MAPS = ((96, 96), (192, 144))
FEATURES = ((8, 0), (4, 1), (2, 2))
IRREPS = "8x0e+4x1e+2x2e"
SPACING = (1.0, 1.0, 1.0)
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


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=(32, 48, 64, 96))
    parser.add_argument("--maps", type=int, nargs="*", default=(0, 1), help="which of the maps")
    parser.add_argument("--processor", action="store_true", help="processor seconds, not time")
    arguments = parser.parse_args()
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


if __name__ == "__main__":
    main()
