"""How well a registration fits: numbers that tell a diverged one from a good one.

The found position competes with many others: moved by a few mm to all sides, turned a little,
turned upside down, and as the scanner left it. A good registration beats them all. Scalings do
not compete, because mutual information favours large heads; they show in the overlap.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np

from mribench.preprocessing.alignment import Coarse, coarse, information, sample_points
from mribench.preprocessing.transforms import Transform, apply, read_transform, rigid

POINT_SPACING_MM = 5.0
STEP_MM = 4.0
STEP_DEGREES = 4.0
DISTINCT_MM = 3.0
"""Positions closer to the found one than this, on average over the head, do not compete."""
LEAST_ADVANTAGE = 1.0
LEAST_OVERLAP = {"head": 0.6, "brain": 0.85}


class Quality(NamedTuple):
    """Measures of one registration.

    Attributes
    ----------
    region
        ``brain`` where the images are stripped, else ``head``.
    overlap
        Dice of the two regions within the field of view that both images share.
    information_before, information_after
        Normalised mutual information, 1 (none) to 2, in scanner coordinates and as registered.
    advantage
        What the registered position has in mutual information above none, over what the
        best competing position has: above 1 no competitor fits better.
    """

    region: str
    overlap: float
    information_before: float
    information_after: float
    advantage: float

    def flaws(self) -> list[str]:
        """Return in words why the registration is not to be trusted; nothing where it is."""
        found = []
        if self.advantage <= LEAST_ADVANTAGE:
            found.append(f"another position fits better (advantage {self.advantage:.2f})")
        if self.overlap < LEAST_OVERLAP[self.region]:
            least = LEAST_OVERLAP[self.region]
            found.append(f"overlap of the {self.region}s {self.overlap:.2f}, below {least:g}")
        return found


def judge(
    fixed: nibabel.Nifti1Image,
    moving: nibabel.Nifti1Image,
    transforms: Sequence[Path],
    brains: tuple[np.ndarray, np.ndarray] | None = None,
) -> Quality:
    """Measure a registration.

    Parameters
    ----------
    fixed, moving
        The two images, of any contrasts; both with skull, or both stripped.
    transforms
        Files that map points of `fixed` to `moving`, the first one acting first.
    brains
        The brains (x, y, z) of both images where they are stripped.
    """
    masks = brains or (None, None)
    first, second = coarse(fixed, masks[0]), coarse(moving, masks[1])
    chain = [read_transform(Path(path)) for path in transforms]
    points, values = sample_points(first, POINT_SPACING_MM)
    to_index = np.linalg.inv(second.affine)

    def informed(steps: Sequence[Transform]) -> float:
        return information(apply([*steps, to_index], points), values, second)

    before, after = informed([]), informed(chain)
    others = [informed([step, *chain]) for step in _moves(first.centre)]
    others += [informed(steps) for steps in _starts(first, second, chain, points)]
    return Quality(
        "brain" if brains else "head",
        round(_overlap(first, second, [*chain, to_index]), 3),
        round(before, 4),
        round(after, 4),
        round((after - 1) / max(max(others) - 1, 1e-6), 3),
    )


def _moves(centre: np.ndarray) -> Iterator[np.ndarray]:
    """Yield small moves to all sides, small turns and half turns (4 x 4)."""
    still = np.zeros(3)
    for shift in product((-STEP_MM, 0.0, STEP_MM), repeat=3):
        if any(shift):
            yield rigid(still, np.array(shift), centre)
    for axis, angle in product(range(3), (-STEP_DEGREES, STEP_DEGREES, 180.0)):
        yield rigid(np.radians(angle) * np.eye(3)[axis], still, centre)


def _starts(
    fixed: Coarse, moving: Coarse, chain: Sequence[Transform], points: np.ndarray
) -> Iterator[list[Transform]]:
    """Yield scanner coordinates, and centre on centre, where they are not what was found."""
    centred = np.eye(4)
    centred[:3, 3] = moving.centre - fixed.centre
    found = apply(list(chain), points)
    for start in (np.eye(4), centred):
        distance = np.linalg.norm(apply([start], points) - found, axis=0).mean()
        if distance > DISTINCT_MM:
            yield [start]


def _overlap(fixed: Coarse, moving: Coarse, chain: Sequence[Transform]) -> float:
    """Return the Dice of the foregrounds where both images have voxels."""
    grid = np.indices(fixed.mask.shape).reshape(3, -1)
    index = np.round(apply([fixed.affine, *chain], grid)).astype(int)
    ends = np.array(moving.mask.shape)[:, None]
    inside = ((index >= 0) & (index < ends)).all(axis=0)
    first = fixed.mask.ravel()[inside]
    second = moving.mask[tuple(index[:, inside])]
    return float(2 * np.count_nonzero(first & second) / max(first.sum() + second.sum(), 1))
