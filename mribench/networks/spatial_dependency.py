"""Spatial dependency layers (Miladinović et al., ICLR 2021; Carvalho et al., MIDL 2021).

A layer projects features to a state of F channels (convolution, tanh), corrects the state
line by line in one direction after the other, and projects back (1x1 convolution). In a
sweep each line but the first is updated by a gated recurrent unit whose input are the
three nearest voxels of the line before, already updated, and whose hidden state is the
voxel itself. In three dimensions the lines are planes and the input nine voxels.

The residual form returns g * convolution(x) + (1 - g) * s, where the layer gives s and, by
a sigmoid, g; its convolution is 1x1.

What does not depend on the sweep leaves it: the hidden part of the gates is one matrix
product over the whole map, and so is the gradient of the weights.
"""

from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mribench.networks.blocks import CONVOLUTIONS, Dimension

REACH = 3


def windows(lines: Tensor, axes: int) -> list[Tensor]:
    """Return views of the neighbours of each voxel: the line shifted every way, zeros beyond.

    Parameters
    ----------
    lines
        (..., *line, channels).
    axes
        Axes of a line: 1 in slices, 2 in volumes; the result has ``3 ** axes`` entries.
    """
    padded = functional.pad(lines, (0, 0, *[1, 1] * axes))
    return [padded[place] for place in _places(lines, axes)]


def gather(gradients: Tensor, axes: int) -> Tensor:
    """Add up what each neighbour gets: the transpose of joining :func:`windows`.

    Parameters
    ----------
    gradients
        (batch, *line, neighbours * channels).
    axes
        Axes of a line.
    """
    batch, *line, _ = gradients.shape
    parts = gradients.chunk(REACH**axes, dim=-1)
    total = parts[0].new_zeros((batch, *(size + 2 for size in line), parts[0].shape[-1]))
    for place, part in zip(_places(parts[0], axes), parts, strict=True):
        total[place] += part
    inner: tuple[Any, ...] = (..., *[slice(1, -1)] * axes, slice(None))
    return total[inner]


def _places(lines: Tensor, axes: int) -> list[tuple[Any, ...]]:
    """Return where the shifted lines stand in the padded one."""
    sizes = lines.shape[-1 - axes : -1]
    return [
        (
            ...,
            *(slice(start, start + size) for start, size in zip(starts, sizes, strict=True)),
            slice(None),
        )
        for starts in product(range(REACH), repeat=axes)
    ]


class Sweep(torch.autograd.Function):
    """One sweep over lines, with its backward pass by hand.

    Shapes: lines (steps, batch, *line, F); hidden gates (steps, batch, *line, 3 F), in
    torch's order reset, update, new; weights (3 F, neighbours * F) and bias (3 F) of the
    input gates.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cuda", cast_inputs=torch.float32)  # type: ignore[untyped-decorator]
    def forward(ctx: Any, lines: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the corrected lines, of the same shape."""
        axes, size = lines.ndim - 3, lines.shape[-1]
        swept = torch.empty_like(lines)
        swept[0] = lines[0]
        gates = torch.empty_like(hidden)
        transposed = weight.t()
        for step in range(1, len(lines)):
            inputs = torch.cat(windows(swept[step - 1], axes), dim=-1)
            driven = torch.addmm(bias, inputs.flatten(0, -2), transposed).view(hidden[step].shape)
            here, given = gates[step], hidden[step]
            both = slice(0, 2 * size)
            torch.add(driven[..., both], given[..., both], out=here[..., both]).sigmoid_()
            reset, update, new = here.split(size, dim=-1)
            torch.addcmul(driven[..., 2 * size :], reset, given[..., 2 * size :], out=new).tanh_()
            torch.lerp(new, lines[step], update, out=swept[step])
        ctx.save_for_backward(lines, hidden, weight, gates, swept)
        return swept

    @staticmethod
    @torch.amp.custom_bwd(device_type="cuda")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        """Return the gradients of lines, hidden gates, weight and bias."""
        lines, hidden, weight, gates, swept = ctx.saved_tensors
        (gradient,) = outputs
        axes, size = lines.ndim - 3, lines.shape[-1]
        for_lines, for_hidden = torch.empty_like(lines), torch.empty_like(hidden)
        driven = torch.empty_like(hidden)
        for_hidden[0], driven[0] = 0, 0
        carry = torch.zeros_like(lines[0])
        for step in range(len(lines) - 1, 0, -1):
            reset, update, new = gates[step].split(size, dim=-1)
            total = gradient[step] + carry
            torch.mul(total, update, out=for_lines[step])
            for_update = total * (lines[step] - new)
            for_new = (total - for_lines[step]).mul_(1 - new * new)
            here = driven[step]
            slope = (1 - reset).mul_(reset).mul_(hidden[step][..., 2 * size :])
            torch.mul(slope, for_new, out=here[..., :size])
            slope = (1 - update).mul_(update)
            torch.mul(slope, for_update, out=here[..., size : 2 * size])
            here[..., 2 * size :] = for_new
            for_hidden[step, ..., : 2 * size] = here[..., : 2 * size]
            torch.mul(for_new, reset, out=for_hidden[step, ..., 2 * size :])
            flat = here.flatten(0, -2) @ weight
            carry = gather(flat.view(*here.shape[:-1], -1), axes)
        torch.add(gradient[0], carry, out=for_lines[0])
        rows = driven[1:].flatten(0, -2)
        neighbours = windows(swept[:-1], axes)
        for_weight = torch.cat([rows.t() @ part.flatten(0, -2) for part in neighbours], dim=1)
        return for_lines, for_hidden, for_weight, rows.sum(dim=0)


class Correction(nn.Module):
    """The sweep in one direction over (batch, state, *space).

    Parameters
    ----------
    state
        Channels of the state, F.
    axes
        Spatial axes.
    direction
        0 sweeps forward along the last axis, 1 along the one before, and so on; then
        come the same axes backward.
    """

    def __init__(self, state: int, axes: int, direction: int) -> None:
        super().__init__()
        self.axis = axes + 1 - direction % axes
        self.backward_sweep = direction >= axes
        self.cell = nn.GRUCell(REACH ** (axes - 1) * state, state)

    def forward(self, features: Tensor) -> Tensor:
        """Return the corrected features."""
        lines = features.movedim((self.axis, 1), (0, -1))
        lines = lines.flip(0) if self.backward_sweep else lines.contiguous()
        cell = self.cell
        hidden = functional.linear(lines, cell.weight_hh, cell.bias_hh)
        swept = Sweep.apply(lines, hidden, cell.weight_ih, cell.bias_ih)
        swept = swept.flip(0) if self.backward_sweep else swept
        return swept.movedim((0, -1), (self.axis, 1))


class SpatialDependency(nn.Module):
    """A spatial dependency layer; it keeps the number of channels.

    Parameters
    ----------
    dimension
        2 for slices, 3 for volumes.
    channels
        Channels of the input and of the output.
    state
        Channels of the corrected state.
    directions
        Number of sweeps, each in a direction of its own: first forward along each axis
        from the last, then backward.
    residual
        Whether to take the residual form.
    size
        Voxels of the convolution that projects in, odd.
    """

    def __init__(
        self,
        dimension: Dimension,
        channels: int,
        state: int,
        directions: int,
        residual: bool,
        size: int = 3,
    ) -> None:
        super().__init__()
        layer = CONVOLUTIONS[dimension]
        self.project_in = layer(channels, state, size, padding=size // 2)
        self.corrections = nn.Sequential(
            *(Correction(state, dimension, direction) for direction in range(directions))
        )
        self.project_out = layer(state, channels * (2 if residual else 1), 1)
        self.shortcut = layer(channels, channels, 1) if residual else None

    def forward(self, features: Tensor) -> Tensor:
        """Return features (batch, channels, *space) of the same shape."""
        state = self.corrections(self.project_in(features).tanh())
        corrected = self.project_out(state)
        if self.shortcut is None:
            return corrected
        corrected, gate = corrected.chunk(2, dim=1)
        return torch.lerp(corrected, self.shortcut(features), gate.sigmoid())
