from itertools import permutations

import pytest
import torch
from e3nn import o3
from e3nn.nn.models.v2103.voxel_convolution import Convolution
from torch import Tensor

from mribench.errors import TrainingError
from mribench.networks.resolution_adaptive import DEGREES, ResolutionAdaptiveUNet, plan_levels
from mribench.networks.spherical import (
    GatedNorm,
    PhysicalConvolution,
    count_channels,
    functions,
    lattice,
    pool_features,
)

MIXED = [(3, 0), (2, 1), (2, 2)]
COARSE = (0.5, 0.5, 3.0)


def quarter_turn(first: int, second: int) -> Tensor:
    """Rotation by 90 degrees that torch.rot90 does in the plane of two axes."""
    matrix = torch.eye(3)
    matrix[first, first] = matrix[second, second] = 0
    matrix[first, second], matrix[second, first] = -1, 1
    return matrix


def turn_grid(values: Tensor, first: int, second: int) -> Tensor:
    """Rotate the voxels (batch, channels, x, y, z), leaving the channels."""
    return torch.rot90(values, 1, (first + 2, second + 2))


def turn_channels(values: Tensor, features: list[tuple[int, int]], rotation: Tensor) -> Tensor:
    """Rotate the vectors and tensors that the channels hold."""
    irreps = o3.Irreps([(count, (degree, 1)) for count, degree in features])
    return torch.einsum("ij,bjxyz->bixyz", irreps.D_from_matrix(rotation), values)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_levels_are_those_of_table_1(order: tuple[int, int, int]) -> None:
    """Level by level: voxel size, kernel and pooling, for any direction of the slices."""
    expected = {
        (1.0, 1.0, 1.0): [
            ((1, 1, 1), 5, (5, 5, 5), 2, (2, 2, 2)),
            ((2, 2, 2), 10, (5, 5, 5), 4, (2, 2, 2)),
            ((4, 4, 4), 20, (5, 5, 5), 8, (2, 2, 2)),
            ((8, 8, 8), 40, (5, 5, 5), 16, (2, 2, 2)),
        ],
        COARSE: [
            ((0.5, 0.5, 3), 5, (11, 11, 1), 2, (4, 4, 1)),
            ((2, 2, 3), 10, (5, 5, 3), 4, (2, 2, 1)),
            ((4, 4, 3), 20, (5, 5, 7), 8, (2, 2, 2)),
            ((8, 8, 6), 40, (5, 5, 7), 16, (2, 2, 2)),
        ],
    }

    def turned(values: tuple) -> tuple:
        return tuple(values[axis] for axis in order)

    for spacing, rows in expected.items():
        wanted = [(turned(g), w, turned(k), p, turned(n)) for g, w, k, p, n in rows]
        assert [tuple(level) for level in plan_levels(turned(spacing), 4, 5, 2)] == wanted


def test_rounded_voxel_sizes_do_not_change_the_plan() -> None:
    exact, rounded = (plan_levels(s, 4, 5, 2) for s in (COARSE, (0.49999999, 0.5000001, 3.0)))
    assert exact == rounded


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), COARSE, (0.7, 1.1, 0.4)])
@pytest.mark.parametrize("plane", [(0, 1), (1, 2), (0, 2)])
def test_a_convolution_turns_with_the_image(
    spacing: tuple[float, float, float], plane: tuple[int, int]
) -> None:
    layer = PhysicalConvolution(MIXED, MIXED, 5.0)
    images = torch.randn(2, count_channels(MIXED), 9, 8, 7)
    rotation = quarter_turn(*plane)
    swapped = list(spacing)
    swapped[plane[0]], swapped[plane[1]] = spacing[plane[1]], spacing[plane[0]]

    turned = turn_channels(turn_grid(images, *plane), MIXED, rotation)
    found = layer(turned, tuple(swapped))
    expected = turn_channels(turn_grid(layer(images, spacing), *plane), MIXED, rotation)
    assert torch.allclose(found, expected, atol=1e-4)
    assert expected.std() > 0.1


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 1.0, 2.0), COARSE])
def test_the_network_turns_with_the_image(spacing: tuple[float, float, float]) -> None:
    network = ResolutionAdaptiveUNet(2, 2, 1, 3, 5.0, 2.0)
    images = torch.randn(2, 2, 16, 16, 16)
    for plane in ((0, 1), (1, 2), (0, 2)):
        swapped = list(spacing)
        swapped[plane[0]], swapped[plane[1]] = spacing[plane[1]], spacing[plane[0]]
        found = network(turn_grid(images, *plane), swapped)
        expected = turn_grid(network(images, spacing), *plane)
        assert torch.allclose(found, expected, atol=2e-3)


def test_the_network_follows_permuted_axes_of_an_anisotropic_grid() -> None:
    """A cyclic permutation of the axes is a rotation; the voxel size goes with it."""
    network = ResolutionAdaptiveUNet(1, 1, 1, 3, 5.0, 2.0)
    images = torch.randn(1, 1, 16, 8, 4)
    found = network(images.permute(0, 1, 3, 4, 2), (1.0, 3.0, 0.5))
    expected = network(images, (0.5, 1.0, 3.0)).permute(0, 1, 3, 4, 2)
    assert torch.allclose(found, expected, atol=2e-3)


def test_kernel_is_zero_beyond_its_radius_and_uses_every_weight_at_1_mm() -> None:
    layer = PhysicalConvolution(MIXED, MIXED, 5.0)
    for spacing in ((1.0, 1.0, 1.0), COARSE, (0.3, 0.3, 0.3)):
        kernel = layer.kernel(spacing)
        beyond = (lattice(5.0, spacing).norm(dim=-1) > 2.5 + 1e-2).all(dim=0)
        assert not kernel[..., beyond].any()
    layer.kernel((1.0, 1.0, 1.0)).square().sum().backward()
    for weight in layer.weights.values():
        assert weight.grad is not None
        assert (weight.grad.abs() > 1e-6).all()


def test_white_noise_keeps_its_power_at_1_mm() -> None:
    layer = PhysicalConvolution([(8, 0), (4, 1), (2, 2)], [(14, 0), (4, 1), (2, 2)], 5.0)
    images = torch.randn(1, 30, 24, 24, 24)
    with torch.no_grad():
        found = layer(images, (1.0, 1.0, 1.0))[..., 4:-4, 4:-4, 4:-4]
    for part in found.split([14, 12, 10], dim=1):
        assert float(part.std()) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("spacing", [COARSE, (0.5, 0.5, 1.0), (0.7, 1.1, 0.4)])
def test_scalars_answer_a_uniform_image_alike_at_every_voxel_size(
    spacing: tuple[float, float, float],
) -> None:
    layer = PhysicalConvolution([(3, 0)], [(2, 0)], 5.0)
    found, expected = (layer.kernel(s).sum(dim=(2, 3, 4)) for s in (spacing, (1.0, 1.0, 1.0)))
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_thick_slice_takes_the_place_of_thin_ones() -> None:
    """Slices of 3 mm lie where three of 1 mm do; only the self-connection knows one voxel."""
    thick, thin = (functions(1, 1, 5.0, (1.0, 1.0, thickness)) for thickness in (3.0, 1.0))
    assert torch.allclose(thick[:-1, ..., 0], thin[:-1, ..., 1:4].mean(dim=-1))


def test_kernels_lie_in_the_space_of_e3nns_voxel_convolution() -> None:
    """Between the same features, degree by degree, each of our kernels is one of e3nn's."""
    torch.manual_seed(0)
    ours = PhysicalConvolution([(1, 1)], [(1, 1)], 7.0).kernel((1.0, 1.0, 1.0))
    (places,) = lattice(7.0, (1.0, 1.0, 1.0))
    vectors = places.flatten(0, 2).float()
    shell = (vectors.norm(dim=1) - 5**0.5).abs() < 1e-4
    peer = Convolution("1e", "1e", "0e+1e+2e", 7)
    spanned = []
    for _ in range(6):
        torch.nn.init.normal_(peer.weight)
        kernel = peer.tp.right(peer.sh, peer.emb @ peer.weight).permute(4, 3, 0, 1, 2)
        spanned.append(kernel.flatten(2)[..., shell].flatten())
    basis, wanted = torch.stack(spanned, dim=1), ours.flatten(2)[..., shell].flatten()
    solution = torch.linalg.lstsq(basis, wanted[:, None]).solution
    assert torch.allclose(
        basis @ solution, wanted[:, None], atol=1e-4 * float(wanted.detach().norm())
    )


def test_pooling_keeps_the_longest_vector_of_its_own_sample() -> None:
    values = torch.randn(3, count_channels(MIXED), 4, 6, 4)
    window = (2, 3, 1)
    found = pool_features(values, MIXED, window)
    assert found.shape == (3, count_channels(MIXED), 2, 2, 4)
    for sample in range(3):
        for x, y, z in ((0, 0, 0), (1, 1, 3), (0, 1, 2)):
            block = values[sample, :, 2 * x : 2 * x + 2, 3 * y : 3 * y + 3, z].flatten(1)
            assert torch.equal(found[sample, :3, x, y, z], block[:3].amax(dim=1))
            for start, size in ((3, 3), (6, 3), (9, 5), (14, 5)):
                part = block[start : start + size]
                longest = part[:, part.norm(dim=0).argmax()]
                assert torch.equal(found[sample, start : start + size, x, y, z], longest)


def test_gates_leave_directions_alone() -> None:
    norm = GatedNorm(MIXED)
    values = torch.randn(2, count_channels(norm.inputs), 5, 4, 3)
    found = norm(values)
    assert found.shape[1] == count_channels(MIXED)
    before, after = values[:, 7:10], found[:, 3:6]
    assert torch.allclose(torch.cosine_similarity(before, after, dim=1), torch.ones(()), atol=1e-5)


def test_prediction_keeps_kernels_and_training_forgets_them() -> None:
    network = ResolutionAdaptiveUNet(1, 1, 1, 2, 5.0, 2.0)
    images = torch.randn(1, 1, 8, 8, 8)
    layers = [module for module in network.modules() if isinstance(module, PhysicalConvolution)]
    network.eval()
    with torch.inference_mode():
        first = network(images, (1.0, 1.0, 1.0))
        network(images, (1.0, 1.0, 1.5))
        assert {len(layer.realised) for layer in layers} == {2}
        assert torch.equal(network(images, (1.0, 1.0, 1.0)), first)
    network.train()
    assert not any(layer.realised for layer in layers)
    network(images, (1.0, 1.0, 1.0)).sum().backward()
    with torch.no_grad():
        for weight in network.parameters():
            weight += 1
        assert not torch.allclose(network.eval()(images, (1.0, 1.0, 1.0)), first)


def test_features_of_the_paper_have_30_channels() -> None:
    assert count_channels([(2 * number, degree) for number, degree in DEGREES]) == 30


def test_small_inputs_and_other_contrasts_are_refused() -> None:
    network = ResolutionAdaptiveUNet(2, 1, 1, 4, 5.0, 2.0)
    with pytest.raises(TrainingError, match=r"at least \[16, 16, 2\] along each axis"):
        network(torch.zeros(1, 2, 16, 15, 2), COARSE)
    with pytest.raises(TrainingError, match="3 channels; expected 2"):
        network(torch.zeros(1, 3, 16, 16, 16), COARSE)
    assert network(torch.randn(1, 2, 17, 16, 3), COARSE).shape == (1, 1, 17, 16, 3)
