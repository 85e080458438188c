import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mribench.errors import TrainingError
from mribench.networks.blocks import convolution, crop, pad_to_multiple
from mribench.networks.scp import Base, Scp
from mribench.networks.unet import UNet


@given(st.lists(st.integers(1, 20), min_size=2, max_size=3), st.integers(1, 8))
def test_crop_undoes_padding(shape: list[int], multiple: int) -> None:
    features = torch.rand(1, 2, *shape)
    padded = pad_to_multiple(features, multiple)
    assert all(size % multiple == 0 for size in padded.shape[2:])
    assert torch.equal(crop(padded, shape), features)
    assert padded.sum() == pytest.approx(features.sum().item(), rel=1e-5)


def test_only_a_rectified_convolution_is_never_negative() -> None:
    images = torch.randn(2, 3, 8, 8)
    assert convolution(2, 3, 4, "batch")(images).min() == 0
    assert convolution(2, 3, 4, "batch", rectify=False)(images).min() < 0


@pytest.mark.parametrize("shape", [(16, 16), (91, 109), (33, 50)])
def test_networks_take_any_slice(shape: tuple[int, int]) -> None:
    images = torch.randn(1, 2, *shape)
    for network in (UNet(2, 2, 3, 4, 5, "batch"), Scp(2, 2, 3, 16), Base(2, 2, 3, 16)):
        assert network.eval()(images).shape == (1, 3, *shape)


def test_unet_takes_any_volume() -> None:
    network = UNet(3, 2, 1, 4, 3, "instance")
    assert network(torch.randn(2, 2, 9, 14, 21)).shape == (2, 1, 9, 14, 21)


@pytest.mark.parametrize("network", [UNet(2, 2, 1, 4, 5, "batch"), Scp(2, 2, 1, 16)])
def test_wrong_input_is_refused_in_words(network: torch.nn.Module) -> None:
    with pytest.raises(TrainingError, match="3 channels; expected 2"):
        network(torch.zeros(1, 3, 32, 32))
    with pytest.raises(TrainingError, match="at least 16 along each axis"):
        network(torch.zeros(1, 2, 32, 15))
