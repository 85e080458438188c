import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mribench.errors import TrainingError
from mribench.networks.blocks import count_parameters
from mribench.networks.dependency_unets import Dependency, HalvingUNet, NestedUNet
from mribench.networks.spatial_dependency import Correction, SpatialDependency, Sweep
from mribench.networks.unet import UNet


def naive_sweep(cell: nn.GRUCell, features: Tensor, axis: int, backward: bool) -> Tensor:
    """Sweep over (batch, F, *space) voxel by voxel with torch's cell."""
    lines = list(features.unbind(axis))
    if backward:
        lines.reverse()
    done = [lines[0]]
    for line in lines[1:]:
        before, updated = done[-1], torch.zeros_like(line)
        columns = []
        for place in torch.cartesian_prod(*(torch.arange(size) for size in line.shape[2:])).view(
            -1, line.ndim - 2
        ):
            neighbours = []
            for shift in torch.cartesian_prod(*[torch.arange(-1, 2)] * len(place)).view(
                -1, len(place)
            ):
                other = place + shift
                inside = all(0 <= o < s for o, s in zip(other, line.shape[2:], strict=True))
                at = (slice(None), slice(None), *other.tolist())
                neighbours.append(
                    before[at]
                    if inside
                    else torch.zeros_like(before[..., 0])
                    if line.ndim == 3
                    else torch.zeros_like(before[..., 0, 0])
                )
            here = line[(slice(None), slice(None), *place.tolist())]
            columns.append(cell(torch.cat(neighbours, dim=1), here))
        updated = torch.stack(columns, dim=2).view(line.shape)
        done.append(updated)
    if backward:
        done.reverse()
    return torch.stack(done, dim=axis)


@pytest.mark.parametrize("direction", range(4))
@pytest.mark.parametrize("shape", [(5, 7), (6, 3), (1, 4)])
def test_slices_are_swept_as_torchs_cell_does_voxel_by_voxel(
    direction: int, shape: tuple[int, int]
) -> None:
    check_against_cell(Correction(4, 2, direction), (2, 4, *shape), 3 - direction % 2)


@pytest.mark.parametrize("direction", range(6))
def test_volumes_are_swept_as_torchs_cell_does_voxel_by_voxel(direction: int) -> None:
    check_against_cell(Correction(3, 3, direction), (2, 3, 3, 4, 2), 4 - direction % 3)


def check_against_cell(layer: Correction, shape: tuple[int, ...], axis: int) -> None:
    axes = len(shape) - 2
    backward = layer.backward_sweep
    ours, theirs = (torch.randn(shape).requires_grad_() for _ in range(2))
    theirs.data.copy_(ours.data)
    weights = torch.randn(shape)
    found = layer(ours)
    (found * weights).sum().backward()
    gradients = [weight.grad.clone() for weight in layer.parameters() if weight.grad is not None]
    layer.zero_grad()
    expected = naive_sweep(layer.cell, theirs, axis, backward)
    assert found.shape == shape
    assert layer.axis == axis
    assert axes in (2, 3)
    (expected * weights).sum().backward()
    assert torch.allclose(found, expected, atol=1e-5)
    assert ours.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)
    if shape[axis] == 1:
        return
    for mine, weight in zip(gradients, layer.parameters(), strict=True):
        assert torch.allclose(mine, weight.grad, atol=1e-4)


def test_backward_pass_is_the_derivative() -> None:
    torch.manual_seed(0)
    inputs = [(4, 2, 3, 2), (4, 2, 3, 6), (6, 6), (6,)]
    values = [torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in inputs]
    assert torch.autograd.gradcheck(Sweep.apply, values)


def test_residual_form_mixes_layer_and_convolution() -> None:
    layer = SpatialDependency(2, 6, 5, 2, residual=True)
    images = torch.randn(2, 6, 4, 9)
    state = layer.corrections(layer.project_in(images).tanh())
    value, gate = layer.project_out(state).split(6, dim=1)
    gate = gate.sigmoid()
    expected = gate * layer.shortcut(images) + (1 - gate) * value
    assert torch.allclose(layer(images), expected, atol=1e-6)


@pytest.mark.parametrize("dimension", [2, 3])
def test_parameters_of_a_direction_are_those_of_the_cell(dimension: int) -> None:
    neighbours = 3 ** (dimension - 1)
    assert count_parameters(Correction(150, dimension, 0)) == 150**2 * 3 * (neighbours + 1) + 900


def corner_gradient(network: nn.Module, size: int) -> float:
    """How much a logit in one corner depends on the voxel in the opposite corner."""
    images = torch.randn(1, 1, size, size).requires_grad_()
    network.eval()(images)[0, 0, 0, 0].backward()
    assert images.grad is not None
    return float(images.grad[0, 0, -4:, -4:].abs().sum())


def test_sweeps_reach_the_far_corner_and_a_unet_does_not() -> None:
    torch.manual_seed(0)
    reach = Dependency(layers=1, state=8, directions=4, residual=True)
    assert corner_gradient(UNet(2, 1, 1, 4, 3, "batch"), 96) == 0
    assert corner_gradient(HalvingUNet(2, 1, 1, 4, 3), 96) == 0
    assert corner_gradient(NestedUNet(2, 1, 1, 4, 3), 96) == 0
    assert corner_gradient(HalvingUNet(2, 1, 1, 4, 3, reach), 96) > 0
    assert corner_gradient(NestedUNet(2, 1, 1, 4, 3, reach), 96) > 0


@pytest.mark.parametrize("build", [HalvingUNet, NestedUNet])
@pytest.mark.parametrize("dependency", [None, Dependency(2, 6, 3, False)])
def test_networks_take_any_slice_and_volume(
    build: type[nn.Module], dependency: Dependency | None
) -> None:
    slices, volumes = build(2, 2, 3, 4, 3, dependency), build(3, 2, 1, 4, 3, dependency)
    for shape in ((4, 17), (30, 9)):
        assert slices.eval()(torch.randn(2, 2, *shape)).shape == (2, 3, *shape)
    assert volumes.eval()(torch.randn(1, 2, 9, 4, 6)).shape == (1, 1, 9, 4, 6)
    with pytest.raises(TrainingError, match="3 channels; expected 2"):
        slices(torch.zeros(1, 3, 16, 16))
    with pytest.raises(TrainingError, match="at least 4 along each axis"):
        slices(torch.zeros(1, 2, 16, 3))


NUCLEI, LIVER = Dependency(2, 150, 2, False), Dependency(1, 150, 2, True)
# Parameters in millions and multiply-adds in G of Table 4, for the levels and the pixels
# that they were counted with (docs/methods/spatial_dependency.md).
TABLE_4 = [
    (HalvingUNet, 4, None, (96, 96), 1.8, 1.31),
    (NestedUNet, 4, None, (96, 96), 2.24, 2.87),
    (HalvingUNet, 4, NUCLEI, (96, 96), 5.42, 2.59),
    (HalvingUNet, 5, None, (128, 96), 7.24, 2.28),
    (HalvingUNet, 5, None, (96, 96), 7.24, 1.71),
    (NestedUNet, 5, None, (128, 96), 9.16, 6.5),
    (NestedUNet, 5, None, (96, 96), 9.16, 4.87),
    (NestedUNet, 4, NUCLEI, (96, 96), 6.16, None),
    (HalvingUNet, 5, LIVER, (96, 96), 10.36, None),
]


@pytest.mark.parametrize("row", TABLE_4)
def test_costs_are_those_of_table_4(row: tuple) -> None:
    build, levels, dependency, shape, parameters, operations = row
    with torch.device("meta"), torch.no_grad():
        network = build(2, 3, 1, 32, levels, dependency).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, *shape))
    assert count_parameters(network) / 1e6 == pytest.approx(parameters, rel=0.05)
    if operations is not None:
        assert counter.get_total_flops() / 2e9 == pytest.approx(operations, rel=0.05)
