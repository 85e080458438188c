"""Learning rate over the course of a training."""

import math
from collections.abc import Callable, Sequence

POLY_POWER = 0.9


def learning_rate(
    schedule: str, start: float, share: float, milestones: Sequence[float] = ()
) -> float:
    """Return the learning rate at a point of the training.

    Parameters
    ----------
    schedule
        ``constant``; ``halving``: halved at each milestone; ``cosine``: half a cosine wave
        down to 0; ``poly``: ``(1 - share) ** 0.9`` as in nnU-Net.
    start
        Learning rate at the beginning.
    share
        Share of the planned epochs that are done, 0 to 1.
    milestones
        Shares at which ``halving`` halves.
    """
    factors: dict[str, Callable[[], float]] = {
        "constant": lambda: 1.0,
        "halving": lambda: 0.5 ** sum(share >= milestone for milestone in milestones),
        "cosine": lambda: 0.5 * (1 + math.cos(math.pi * share)),
        "poly": lambda: (1 - share) ** POLY_POWER,
    }
    return start * factors[schedule]()
