from typing import Any

import pytest
import torch

from mribench.errors import TrainingError
from mribench.networks.from_monai import MonaiNetwork

SMALL: dict[str, dict[str, Any]] = {
    "SegResNet": {"init_filters": 8},
    "SwinUNETR": {"feature_size": 12},
    "UNETR": {"hidden_size": 24, "mlp_dim": 24, "num_heads": 2, "feature_size": 4},
    "DynUNet": {
        "kernel_size": [3, 3, 3],
        "strides": [1, 2, 2],
        "upsample_kernel_size": [2, 2],
        "filters": [4, 8, 8],
    },
    "AttentionUnet": {"channels": [4, 8, 8], "strides": [2, 2]},
    "BasicUNetPlusPlus": {"features": [4, 4, 8, 8, 8, 4]},
}


def make(name: str, arguments: dict[str, Any], **changes: Any) -> MonaiNetwork:
    keys = {"dimension": 3, "channels": 2, "classes": 3, "image_size": (30, 32, 40), "divisor": 32}
    return MonaiNetwork(**{**keys, **changes}, name=name, arguments=arguments)


@pytest.mark.parametrize("name", SMALL)
def test_networks_by_name_give_logits_of_any_block(name: str) -> None:
    if name in ("SwinUNETR", "UNETR"):
        pytest.importorskip("einops")
    network = make(name, SMALL[name]).eval()
    with torch.no_grad():
        logits = network(torch.randn(1, 2, 30, 32, 40))
    assert logits.shape == (1, 3, 30, 32, 40)
    assert logits.min() < 0


@pytest.mark.parametrize("name", ["SegResNet", "BasicUNetPlusPlus"])
def test_networks_take_slices_too(name: str) -> None:
    network = make(name, SMALL[name], dimension=2, image_size=(30, 32), divisor=16)
    assert network(torch.randn(2, 2, 21, 40)).shape == (2, 3, 21, 40)


def test_what_monai_cannot_do_is_said_in_words() -> None:
    with pytest.raises(TrainingError, match="did you mean SegResNet"):
        make("SegRezNet", {})
    with pytest.raises(TrainingError, match="init_filterz"):
        make("SegResNet", {"init_filterz": 8})
    with pytest.raises(TrainingError, match="deep supervision off"):
        arguments = {**SMALL["BasicUNetPlusPlus"], "deep_supervision": True}
        make("BasicUNetPlusPlus", arguments)(torch.randn(1, 2, 32, 32, 32))
    with pytest.raises(TrainingError, match="3 channels; expected 2"):
        make("SegResNet", SMALL["SegResNet"])(torch.zeros(1, 3, 32, 32, 32))
    with pytest.raises(TrainingError, match="at least 2 along each axis"):
        make("SegResNet", SMALL["SegResNet"])(torch.zeros(1, 2, 32, 32, 1))
