"""Drawing batches from cases of several voxel sizes: each batch holds one of them."""

from collections.abc import Sequence

import numpy as np

from mribench.training.patches import Batch, PatchSampler
from mribench.training.store import Case

DECIMALS = 3
TURN = 1


class OneResolutionSampler:
    """Draws a case, each as likely as the others, and fills the batch from cases of its voxel size.

    Parameters
    ----------
    cases
        Training cases; voxel sizes that agree to the micrometre are the same.
    patch_size, batch_size, foreground, seed
        As for ``PatchSampler``, on blocks.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        patch_size: Sequence[int],
        batch_size: int,
        foreground: float,
        seed: int,
    ) -> None:
        self.seed = seed
        self.sizes = [tuple(round(step, DECIMALS) for step in case.spacing) for case in cases]
        self.samplers = {
            size: PatchSampler(
                [case for case, own in zip(cases, self.sizes, strict=True) if own == size],
                patch_size,
                None,
                batch_size,
                foreground,
                seed,
            )
            for size in sorted(set(self.sizes))
        }

    def batch(self, number: int) -> Batch:
        """Return the batch with this number."""
        rng = np.random.default_rng((self.seed, number, TURN))
        return self.samplers[self.sizes[rng.integers(len(self.sizes))]].batch(number)
