"""Logits of whole volumes: slice by slice, or by a sliding window with Gaussian weights."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from mribench.training.patches import Batch, read_block
from mribench.training.patches import overlap as cover
from mribench.training.store import Case

Forward = Callable[[Batch], Tensor]
GAUSSIAN_WIDTH = 0.125
LOWEST_WEIGHT = 1e-3
NO_BRAIN = -30.0


def predict_slices(
    forward: Forward,
    case: Case,
    classes: int,
    plane_axis: int,
    batch_size: int,
    device: torch.device,
) -> Tensor:
    """Return logits of a volume from a network that takes slices.

    Parameters
    ----------
    forward
        Returns the logits (batch, classes, *slice) of a batch of whole slices.
    case
        The volume.
    classes
        Number of classes.
    plane_axis
        Axis across the slices.
    batch_size
        Slices at a time.
    device
        Where the network is.

    Returns
    -------
    float32 (classes, x, y, z); -30 in slices without brain, which are not looked at.
    """
    logits = torch.full((classes, *case.shape), NO_BRAIN, device=device)
    shape = list(case.shape)
    shape[plane_axis] = 1
    across = tuple(axis for axis in range(3) if axis != plane_axis)
    inside = np.flatnonzero(np.asarray(case.mask).any(axis=across))
    places = [[int(i) if axis == plane_axis else 0 for axis in range(3)] for i in inside]
    for chosen in _chunks(places, batch_size):
        batch = _read(case, chosen, shape, plane_axis).to(device)
        result = forward(batch).float()
        indices = torch.tensor([place[plane_axis] for place in chosen], device=device)
        logits.index_copy_(plane_axis + 1, indices, result.movedim(0, plane_axis + 1))
    return logits


def predict_windows(
    forward: Forward,
    case: Case,
    classes: int,
    window: Sequence[int],
    overlap: float,
    batch_size: int,
    device: torch.device,
) -> Tensor:
    """Return logits of a volume from a network that takes blocks, averaged where they overlap.

    Parameters
    ----------
    forward, case, classes, batch_size, device
        As in :func:`predict_slices`, with blocks for slices.
    window
        Voxels of a block; where the volume is smaller, zeros are put around it.
    overlap
        Share of a window that its neighbour covers too, 0 to below 1.

    Returns
    -------
    float32 (classes, x, y, z).
    """
    weights = torch.from_numpy(gaussian_weights(window)).to(device)
    total = torch.zeros((classes, *case.shape), device=device)
    weight = torch.zeros(case.shape, device=device)
    places = window_origins(case.shape, window, overlap)
    for chosen in _chunks(places, batch_size):
        result = forward(_read(case, chosen, window, None).to(device)).float()
        for place, values in zip(chosen, result, strict=True):
            inside, source = cover(place, window, case.shape)
            total[(slice(None), *inside)] += values[(slice(None), *source)] * weights[source]
            weight[inside] += weights[source]
    return total / weight


def window_origins(shape: Sequence[int], window: Sequence[int], overlap: float) -> list[list[int]]:
    """Return the first voxels of windows that cover a volume, evenly spaced along each axis."""
    starts: list[list[int]] = []
    for size, length in zip(shape, window, strict=True):
        if length >= size:
            starts.append([-((length - size) // 2)])
            continue
        step = max(1, round(length * (1 - overlap)))
        count = -(-(size - length) // step) + 1
        starts.append([round(i * (size - length) / (count - 1)) for i in range(count)])
    return [list(place) for place in product(*starts)]


def gaussian_weights(window: Sequence[int]) -> np.ndarray:
    """Return weights (x, y, z) that fall from 1 in the middle; their sd is 1/8 of each axis."""
    weights = np.ones((), dtype=np.float64)
    for length in window:
        distance = np.arange(length) - (length - 1) / 2
        profile = np.exp(-0.5 * (distance / (length * GAUSSIAN_WIDTH)) ** 2)
        weights = weights[..., None] * profile
    return weights.clip(min=LOWEST_WEIGHT).astype(np.float32)


def _read(
    case: Case, places: Sequence[Sequence[int]], shape: Sequence[int], plane_axis: int | None
) -> Batch:
    images = np.stack([read_block(case.images, place, shape) for place in places])
    labels = np.stack([read_block(case.labels, place, shape) for place in places])
    if plane_axis is not None:
        images, labels = images.squeeze(plane_axis + 2), labels.squeeze(plane_axis + 1)
    axes = [axis for axis in range(3) if axis != plane_axis]
    count = len(places)
    return Batch(
        torch.from_numpy(images.astype(np.float32)),
        torch.from_numpy(labels),
        torch.tensor([[place[axis] for axis in axes] for place in places]),
        torch.tensor([[case.shape[axis] for axis in axes]] * count),
        torch.tensor([[case.spacing[axis] for axis in axes]] * count),
    )


def _chunks(places: list[list[int]], size: int) -> Iterator[list[list[int]]]:
    for start in range(0, len(places), size):
        yield places[start : start + size]
