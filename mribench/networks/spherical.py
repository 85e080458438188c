"""Convolutions whose kernels are functions of mm: radial functions times spherical harmonics.

Diaz et al., "Learning from spatially inhomogeneous data" (resolution-adaptive convolutions),
equation 1: W(r) = R(|r|) Y_l^m(r/|r|), zero beyond the radius, sampled at the voxels of the
grid at hand, so that the weights do not know the voxel size. Decisions where it is silent:

Features
    Channels are listed as (multiplicity, degree) pairs; a degree l has 2l + 1 components,
    which transform among each other when the image is rotated. Parity is not kept apart
    (rotations, no reflections).
Radial functions
    R is a weighted sum of five smooth bumps (e3nn's ``smooth_finite``) whose centres stand
    evenly from 0 to the radius. The first one meets the middle voxel only, where the
    harmonics of degree 1 and 2 vanish; so it is written as e3nn's self-connection: a
    weight of that voxel per pair of features of one degree.
Thick voxels
    Where a voxel is longer than a fifth of the width (1 mm at the first level), a function's
    value is its mean over points of the voxel, at most that far apart: one slice of 3 mm takes
    the place of three of 1 mm, not of the middle one alone.
Scale
    Each function passes white noise with unit variance at a fifth of the width, which is
    1 mm at the first level. At every other voxel size its magnitude sums to the same over
    the voxels, so that a scalar function answers a uniform image as it does at 1 mm. (The
    number of voxels alone would not do that: a plane of voxels cuts a sphere where the
    inner functions are, so slices of 3 mm would hear the innermost one almost five times
    as loud, and half of the outermost.)
"""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

Features = Sequence[tuple[int, int]]
Spacing = tuple[float, ...]
HIGHEST_DEGREE = 2
RADIAL_FUNCTIONS = 5
ROOM = 1e-3
REFERENCE_VOXELS = 5
EPSILON = 1e-5
NOTHING = 1e-12


def count_channels(features: Features) -> int:
    """Return the number of channels of a list of features."""
    return sum(count * (2 * degree + 1) for count, degree in features)


def kernel_shape(width: float, spacing: Sequence[float]) -> tuple[int, ...]:
    """Return the voxels of a kernel: those within half its width of the middle, per axis.

    A voxel counts as within where it is outside by less than a thousandth of a voxel,
    because voxel sizes of real images are rounded.
    """
    return tuple(2 * int(width / 2 / step + ROOM) + 1 for step in spacing)


def lattice(width: float, spacing: Spacing) -> Tensor:
    """Return points of a kernel's voxels as vectors in mm from the middle (p, x, y, z, 3).

    Points of a voxel are evenly spaced, at most a fifth of the width apart.
    """
    axes, parts = [], []
    for size, step in zip(kernel_shape(width, spacing), spacing, strict=True):
        count = math.ceil(step * REFERENCE_VOXELS / width - ROOM)
        axes.append((torch.arange(size, dtype=torch.float64) - size // 2) * step)
        parts.append(((torch.arange(count, dtype=torch.float64) + 0.5) / count - 0.5) * step)
    middles, within = (
        torch.stack(torch.meshgrid(*each, indexing="ij"), dim=-1) for each in (axes, parts)
    )
    return within.flatten(0, 2)[:, None, None, None] + middles


def functions(degree_in: int, degree_out: int, width: float, spacing: Spacing) -> Tensor:
    """Return the unscaled functions (n, 2 out + 1, 2 in + 1, x, y, z) between two degrees.

    One per bump and degree of the spherical harmonics that couples the two; the last is
    the self-connection where the degrees are equal.
    """
    from e3nn import o3
    from e3nn.math import soft_one_hot_linspace

    places = lattice(width, spacing)
    distance = places.norm(dim=-1)
    arguments = {"basis": "smooth_finite", "cutoff": False}
    radial = soft_one_hot_linspace(distance, 0.0, width / 2, RADIAL_FUNCTIONS, **arguments)
    radial = torch.where(distance[..., None] <= width / 2 * (1 + ROOM), radial, 0.0)[..., 1:]
    found = []
    highest = min(degree_in + degree_out, HIGHEST_DEGREE)
    for degree in range(abs(degree_in - degree_out), highest + 1):
        coupling = o3.wigner_3j(degree_in, degree, degree_out, dtype=torch.float64)
        harmonics = o3.spherical_harmonics(degree, places, True, normalization="component")
        mean = torch.einsum("pxyzn,pxyzf->nfxyz", radial, harmonics) / len(places)
        found.append(torch.einsum("nfxyz,ifo->noixyz", mean, coupling))
    if degree_in == degree_out:
        itself = torch.zeros_like(found[0][:1])
        middle = tuple(size // 2 for size in distance.shape[1:])
        itself[(0, ..., *middle)] = torch.eye(2 * degree_in + 1, dtype=torch.float64)
        found.append(itself)
    return torch.cat(found)


@lru_cache(maxsize=512)
def scaled_functions(
    degree_in: int, degree_out: int, width: float, spacing: Spacing, device: torch.device
) -> Tensor:
    """Return the functions of :func:`functions`, scaled as the module says, in float32.

    They are kept, and made as ordinary tensors also while a network predicts.
    """
    with torch.inference_mode(False), torch.no_grad(), torch.device("cpu"):
        found = functions(degree_in, degree_out, width, spacing)
        unit = functions(degree_in, degree_out, width, (width / REFERENCE_VOXELS,) * 3)
        power = unit.square().flatten(1).sum(dim=1) / (2 * degree_out + 1)
        scale = power.rsqrt() * magnitude(unit) / magnitude(found).clamp(min=NOTHING)
        return (found * scale.view(-1, *[1] * 5)).float().to(device)


def magnitude(found: Tensor) -> Tensor:
    """Return the sum over the voxels of each function's norm (n, ), see :func:`functions`."""
    return found.flatten(1, 2).norm(dim=1).flatten(1).sum(dim=1)


class PhysicalConvolution(nn.Module):
    """A convolution with its kernel in mm.

    Parameters
    ----------
    inputs, outputs
        Features before and after.
    width
        Diameter of the kernel in mm.

    Notes
    -----
    While a network predicts (no gradients), the kernel of each voxel size is made once;
    going back to training forgets them.
    """

    def __init__(self, inputs: Features, outputs: Features, width: float) -> None:
        super().__init__()
        self.inputs, self.outputs, self.width = list(inputs), list(outputs), width
        self.weights = nn.ParameterDict()
        for last, (count_out, degree_out) in enumerate(outputs):
            for first, (count_in, degree_in) in enumerate(inputs):
                shape = (count_out, count_in, count_functions(degree_in, degree_out))
                self.weights[f"{last}_{first}"] = nn.Parameter(torch.randn(shape))
        self.realised: dict[Spacing, Tensor] = {}

    def train(self, mode: bool = True) -> "PhysicalConvolution":
        """Switch between training and evaluation; either way the weights may change."""
        self.realised.clear()
        super().train(mode)
        return self

    def forward(self, features: Tensor, spacing: Spacing) -> Tensor:
        """Return features (batch, channels, x, y, z) on a grid of the same voxel size in mm."""
        kernel = self.kernel(spacing)
        padding = [size // 2 for size in kernel.shape[2:]]
        return functional.conv3d(features, kernel, padding=padding)

    def kernel(self, spacing: Spacing) -> Tensor:
        """Return the kernel (outputs, inputs, x, y, z) at a voxel size, from memory if kept."""
        if torch.is_grad_enabled():
            return self.realise(spacing)
        if spacing not in self.realised:
            self.realised[spacing] = self.realise(spacing)
        return self.realised[spacing]

    def realise(self, spacing: Spacing) -> Tensor:
        """Return the kernel at a voxel size, computed from the weights."""
        device = self.weights["0_0"].device
        exact = torch.autocast("cuda", enabled=False) if device.type == "cuda" else nullcontext()
        with exact:
            rows = [
                torch.cat(
                    [self._block(last, first, spacing) for first in range(len(self.inputs))], 1
                )
                for last in range(len(self.outputs))
            ]
            return torch.cat(rows)

    def _block(self, last: int, first: int, spacing: Spacing) -> Tensor:
        """Return the part of the kernel between two kinds of features."""
        weights = self.weights[f"{last}_{first}"]
        degree_in, degree_out = self.inputs[first][1], self.outputs[last][1]
        basis = scaled_functions(degree_in, degree_out, self.width, spacing, weights.device)
        count = sum(
            sources * count_functions(degree, degree_out) for sources, degree in self.inputs
        )
        block = torch.tensordot(weights, basis, dims=1) * count**-0.5
        return block.transpose(1, 2).flatten(2, 3).flatten(0, 1)


def count_functions(degree_in: int, degree_out: int) -> int:
    """Return the number of functions that :func:`functions` has between two degrees."""
    highest = min(degree_in + degree_out, HIGHEST_DEGREE)
    couplings = highest - abs(degree_in - degree_out) + 1
    return couplings * (RADIAL_FUNCTIONS - 1) + (degree_in == degree_out)


class GatedNorm(nn.Module):
    """Instance normalisation and non-linearity that keep vectors and tensors what they are.

    Scalars are centred, scaled and rectified; each vector or tensor is divided by its
    root mean square over the image, and multiplied by the sigmoid of a scalar of its own.

    Parameters
    ----------
    features
        What comes out. What goes in has one more scalar per vector or tensor, after the
        other scalars: see :attr:`inputs`.
    rectify
        Whether scalars are rectified.
    """

    def __init__(self, features: Features, rectify: bool = True) -> None:
        super().__init__()
        (self.scalars, _), *self.others = features
        self.rectify = rectify
        self.gates = sum(count for count, _ in self.others)
        self.inputs: Features = [(self.scalars + self.gates, 0), *self.others]
        self.weight = nn.Parameter(torch.ones(self.scalars + self.gates))
        self.bias = nn.Parameter(torch.zeros(self.scalars + self.gates))
        self.scales = nn.ParameterList(torch.ones(count) for count, _ in self.others)

    def forward(self, values: Tensor) -> Tensor:
        """Return features (batch, channels, x, y, z)."""
        sizes = [count * (2 * degree + 1) for count, degree in self.inputs]
        scalars, *others = values.split(sizes, dim=1)
        # The function of torch.nn.functional refuses images of one voxel.
        scalars = torch.instance_norm(
            scalars, self.weight, self.bias, None, None, True, 0.0, EPSILON, True
        )
        kept, gates = scalars.split([self.scalars, self.gates], dim=1)
        parts = [kept.relu() if self.rectify else kept]
        counts = [count for count, _ in self.others]
        for part, scale, gate in zip(others, self.scales, gates.split(counts, dim=1), strict=True):
            parts.append(_normalise(part, scale, gate.sigmoid()))
        return torch.cat(parts, dim=1)


def _normalise(part: Tensor, scale: Tensor, gate: Tensor) -> Tensor:
    """Divide vectors (batch, count * components, x, y, z) by their root mean square, and gate."""
    vectors = part.unflatten(1, (len(scale), -1))
    power = vectors.square().mean(dim=(2, 3, 4, 5), keepdim=True)
    factor = (power + EPSILON).rsqrt() * scale.view(1, -1, 1, 1, 1, 1)
    return (vectors * (factor * gate[:, :, None])).flatten(1, 2)


def pool_features(values: Tensor, features: Features, window: Sequence[int]) -> Tensor:
    """Keep the largest scalar, and the longest vector or tensor, of each window of voxels.

    Parameters
    ----------
    values
        (batch, channels, x, y, z); each axis a multiple of the window.
    features
        What the channels are.
    window
        Voxels along each axis.
    """
    sizes = [count * (2 * degree + 1) for count, degree in features]
    pooled = []
    for part, (count, degree) in zip(values.split(sizes, dim=1), features, strict=True):
        if degree == 0:
            pooled.append(functional.max_pool3d(part, tuple(window)))
        else:
            pooled.append(_longest(part.unflatten(1, (count, -1)), window).flatten(1, 2))
    return torch.cat(pooled, dim=1)


def _longest(vectors: Tensor, window: Sequence[int]) -> Tensor:
    """Return the longest vectors of windows, from (batch, count, components, x, y, z)."""
    lengths = vectors.detach().square().sum(dim=2)
    _, places = functional.max_pool3d(lengths, tuple(window), return_indices=True)
    chosen = places.flatten(2)[:, :, None].expand(-1, -1, vectors.shape[2], -1)
    return vectors.flatten(3).gather(3, chosen).unflatten(3, places.shape[2:])


class PhysicalBlock(nn.Module):
    """Convolutions in mm, each with :class:`GatedNorm`, through the given features."""

    def __init__(self, features: Sequence[Features], width: float, rectify: bool = True) -> None:
        super().__init__()
        last = len(features) - 1
        norms = [
            GatedNorm(after, rectify or number < last)
            for number, after in enumerate(features[1:], start=1)
        ]
        self.convolutions = nn.ModuleList(
            PhysicalConvolution(before, norm.inputs, width)
            for before, norm in zip(features[:-1], norms, strict=True)
        )
        self.norms = nn.ModuleList(norms)

    def forward(self, values: Tensor, spacing: Spacing) -> Tensor:
        """Return features (batch, channels, x, y, z) on the grid of the input."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            values = norm(convolution(values, spacing))
        return values
