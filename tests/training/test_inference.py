import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from mribench.training.inference import (
    NO_BRAIN,
    gaussian_weights,
    predict_slices,
    predict_windows,
    window_origins,
)
from mribench.training.patches import Batch
from mribench.training.store import Case

CPU = torch.device("cpu")


def make_case(shape: tuple[int, int, int]) -> Case:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, *shape)).astype(np.float32)
    mask = np.ones(shape, dtype=np.uint8)
    return Case("sub-01", images, np.zeros(shape, np.uint8), mask, np.eye(4))


def voxelwise(batch: Batch) -> Tensor:
    return torch.stack((batch.images.sum(dim=1), batch.images[:, 0] ** 2), dim=1)


def expected_voxelwise(case: Case) -> Tensor:
    images = torch.from_numpy(case.images)
    return torch.stack((images.sum(dim=0), images[0] ** 2))


@pytest.mark.parametrize("window", [(8, 8, 8), (5, 9, 32), (40, 40, 40)])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.7])
def test_windows_of_a_voxelwise_network_equal_the_direct_result(
    window: tuple[int, int, int], overlap: float
) -> None:
    case = make_case((17, 20, 13))
    result = predict_windows(voxelwise, case, 2, window, overlap, 3, CPU)
    assert torch.allclose(result, expected_voxelwise(case), atol=1e-4)


def test_windows_agree_with_monai() -> None:
    torch.manual_seed(0)
    case, network = make_case((20, 24, 16)), nn.Conv3d(2, 1, 3, padding=1)
    images = torch.from_numpy(case.images)[None]
    with torch.no_grad():
        ours = predict_windows(lambda b: network(b.images), case, 1, (8, 8, 8), 0.5, 4, CPU)
        peer = sliding_window_inference(images, (8, 8, 8), 4, network, 0.5, mode="gaussian")
        whole = network(images)[0]
    assert torch.allclose(ours, peer[0], atol=1e-5)
    assert (ours - whole).abs().mean() < 0.05


@pytest.mark.parametrize("plane_axis", [0, 1, 2])
def test_slices_equal_the_direct_result(plane_axis: int) -> None:
    case = make_case((9, 10, 11))
    result = predict_slices(voxelwise, case, 2, plane_axis, 4, CPU)
    assert torch.allclose(result, expected_voxelwise(case), atol=1e-5)


def test_slices_without_brain_are_background() -> None:
    case = make_case((9, 10, 11))
    case.mask[:, :, :4] = 0
    result = predict_slices(voxelwise, case, 2, 2, 4, CPU)
    assert (result[..., :4] == NO_BRAIN).all()
    assert torch.allclose(result[..., 4:], expected_voxelwise(case)[..., 4:], atol=1e-5)


def test_windows_are_told_their_place() -> None:
    case = make_case((10, 12, 14))

    def place(batch: Batch) -> Tensor:
        axes = [torch.arange(4.0)[:, None, None], torch.zeros(4, 4, 4), torch.zeros(4, 4, 4)]
        index = batch.origins[:, 0].view(-1, 1, 1, 1) + sum(axes)
        return index[:, None].float()

    result = predict_windows(place, case, 1, (4, 4, 4), 0.5, 5, CPU)
    expected = torch.arange(10.0).view(10, 1, 1).expand(10, 12, 14)
    assert torch.allclose(result[0], expected, atol=1e-4)


@given(st.integers(1, 60), st.integers(1, 30), st.floats(0, 0.9))
def test_windows_cover_every_voxel(size: int, length: int, overlap: float) -> None:
    covered = np.zeros(size, dtype=bool)
    for (start,) in window_origins([size], [length], overlap):
        assert start >= 0 or length > size
        covered[max(start, 0) : start + length] = True
    assert covered.all()


def test_weights_are_gaussian() -> None:
    weights = gaussian_weights((17, 9, 9))
    assert weights.argmax() == np.ravel_multi_index((8, 4, 4), weights.shape)
    assert weights.max() == 1
    assert weights[8 + 2, 4, 4] == pytest.approx(np.exp(-0.5 * (2 / (17 / 8)) ** 2), rel=1e-5)
    assert weights.min() > 0
