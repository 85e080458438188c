"""The voxels of a mask as a padded box of rows, shared out to threads by slabs."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Lattice:
    """The bounding box of a mask, with one empty voxel around it.

    Attributes
    ----------
    box
        Where the box (without its border) lies in the full grid.
    inside
        uint8 (x, y, z), border included: 1 in the mask.
    extents
        int32 (x, y, 2): first voxel of each row in the mask, and one past the last.
    spacing
        Voxel size in mm.
    """

    box: tuple[slice, slice, slice]
    inside: np.ndarray
    extents: np.ndarray
    spacing: tuple[float, float, float]

    @property
    def slabs(self) -> np.ndarray:
        """Indices of the slabs along the first axis, border left out."""
        return np.arange(1, self.inside.shape[0] - 1)

    def crop(self, array: np.ndarray) -> np.ndarray:
        """Return float32 `array` (x, y, z) inside the padded box, 0 outside the mask."""
        result = np.zeros(self.inside.shape, np.float32)
        core = result[1:-1, 1:-1, 1:-1]
        np.copyto(core, array[self.box], where=self.inside[1:-1, 1:-1, 1:-1] > 0)
        return result


def make_lattice(mask: np.ndarray, spacing: Sequence[float]) -> Lattice:
    """Return the lattice of a boolean `mask` (x, y, z) with voxels of `spacing` mm."""
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        found = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(found[0]), int(found[-1]) + 1))
    inside = np.pad(mask[tuple(box)], 1).astype(np.uint8)
    present = inside.any(axis=2)
    first = inside.argmax(axis=2)
    last = inside.shape[2] - inside[:, :, ::-1].argmax(axis=2)
    extents = np.stack([first * present, last * present], axis=-1).astype(np.int32)
    x, y, z = (float(size) for size in spacing)
    return Lattice((box[0], box[1], box[2]), inside, extents, (x, y, z))


def neighbour_weights(spacing: Sequence[float]) -> np.ndarray:
    """Return the weight of the 26 neighbours: smallest voxel size over distance.

    float32 (2, 2, 2), indexed by whether the neighbour is one step away along each
    axis; the voxel itself has weight 0.
    """
    weights = np.zeros((2, 2, 2), np.float32)
    for steps in itertools.product((0, 1), repeat=3):
        if any(steps):
            weights[steps] = min(spacing) / np.linalg.norm(np.multiply(steps, spacing))
    return weights


class Workers:
    """Threads that share the slabs of a kernel; results never depend on their number."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()

    def run(self, kernel: Callable[..., None], slabs: np.ndarray, *arguments: object) -> None:
        """Call ``kernel(part, *arguments)`` for interleaved parts of `slabs`, and wait."""
        list(self._pool.map(lambda part: kernel(part, *arguments), self._parts(slabs)))

    def _parts(self, slabs: np.ndarray) -> Iterator[np.ndarray]:
        for first in range(self.threads):
            yield np.ascontiguousarray(slabs[first :: self.threads])
