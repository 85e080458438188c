"""The recipe of the three methods of the resolution paper (Diaz et al.)."""

from typing import Literal

from pydantic import Field

from mribench import config
from mribench.methods import base


class Recipe(base.VolumeSettings):
    """Keys of the recipe; the defaults are the paper's, or written on the method's page."""

    epochs: int = Field(1000, ge=1)
    """Most epochs; each ends with a validation."""
    iterations: int = Field(36, ge=1)
    """Batches per epoch: as many as the paper has training cases."""
    patch_size: tuple[base.Size, base.Size, base.Size] = (120, 120, 120)
    """Voxels of a block; a smaller image is padded with zeros."""
    batch_size: int = Field(1, ge=1)
    """Blocks per batch."""
    learning_rate: config.Positive = 5e-3
    """Learning rate at the start."""
    weight_decay: float = Field(0.0, ge=0)
    """Weight decay."""
    schedule: Literal["constant", "halving", "cosine", "poly"] = "constant"
    """How the learning rate falls: halved at the `milestones`, as a cosine, or by power 0.9."""
    loss: base.LossName = "soft_dice"
    """What is made small; `boundary` begins as generalised Dice and moves to distances."""
    monitor: Literal["dice", "loss"] = "loss"
    """What decides, on whole validation cases, which weights are kept; `boundary` needs `dice`."""
    patience: int = Field(300, ge=1)
    """Epochs without anything better after which training stops."""
    levels: int = Field(4, ge=2)
    """Levels; there is one pooling fewer."""
