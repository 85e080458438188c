"""Settings of all methods, small enough for a test."""

from collections.abc import Callable
from typing import Any

from mribench.methods.base import SegmentationMethod
from mribench.training.job import Job

COMMON = {
    "epochs": 5,
    "iterations": 8,
    "batch_size": 4,
    "learning_rate": 0.01,
    "schedule": "cosine",
    "augmentation": None,
}
SLICES = {**COMMON, "patch_size": (36, 42)}
BLOCKS = {**COMMON, "patch_size": (24, 24, 16), "epochs": 9, "batch_size": 2}
RESOLUTION = {**BLOCKS, "loss": "dice_cross_entropy"}
SCP_FAMILY = ("scp", "scp_base", "scp_base_f", "scp_base_b")
NESTED = {"width": 8, "levels": 3}
SMALL: dict[str, dict[str, Any]] = {
    "unet2d": {**SLICES, "width": 8, "levels": 3},
    "unet3d": {**BLOCKS, "width": 8, "levels": 3},
    **{name: {**SLICES, "n_c": 64} for name in SCP_FAMILY},
    **{f"{name}3d": {**BLOCKS, "n_c": 64} for name in SCP_FAMILY},
    # Coordinates alone and U-Net++ learn the case more slowly than the others.
    "scp_base_f3d": {**BLOCKS, "n_c": 64, "epochs": 25},
    "unet_native": {**RESOLUTION, "width": 8, "levels": 3, "kernel_size": 3},
    "unet_1mm": {**RESOLUTION, "width": 8, "levels": 3, "kernel_size": 3, "voxel_mm": 2.0},
    "resolution_adaptive": {**RESOLUTION, "levels": 2, "kernel_mm": 7.0, "pooling_mm": 4.0},
    "unet": {**SLICES, **NESTED},
    "unetpp": {**SLICES, **NESTED, "epochs": 9},
    "unetpp3d": {**BLOCKS, **NESTED},
    "sdu_net": {**SLICES, **NESTED, "state": 12},
    "sdnu_net": {**SLICES, **NESTED, "state": 12, "directions": 4, "residual": False},
    "sdu_net3d": {**BLOCKS, **NESTED, "state": 8},
    "sdnu_net3d": {**BLOCKS, **NESTED, "state": 8, "directions": 6, "dependency_layers": 2},
    "monai": {
        **BLOCKS,
        "network": "SegResNet",
        "arguments": {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1]},
        "divisor": 8,
    },
    "monai2d": {
        **SLICES,
        "network": "BasicUNetPlusPlus",
        "arguments": {"features": [8, 8, 16, 16, 32, 8]},
        "divisor": 16,
    },
    "flair_threshold": {},
}
MakeMethod = Callable[..., SegmentationMethod[Any]]
MakeJob = Callable[..., Job]
