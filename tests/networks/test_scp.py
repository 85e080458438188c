import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mribench.errors import TrainingError
from mribench.networks.blocks import count_parameters
from mribench.networks.scp import NETWORKS, SpatiallyCovariantHead, position_code

# Table 1: FLOPs and parameters relative to Base(128), at 3 x 160 x 224.
PAPER = {
    ("base", 128): (1.00, 1.00),
    ("base_f", 128): (1.02, 1.00),
    ("base_b", 128): (1.02, 1.00),
    ("scp", 128): (1.42, 1.02),
    ("base", 256): (3.96, 4.02),
    ("base_f", 256): (4.00, 4.02),
    ("base_b", 256): (4.00, 4.02),
    ("scp", 256): (5.51, 4.06),
    ("base", 512): (15.71, 16.06),
    ("base_f", 512): (15.80, 16.08),
    ("base_b", 512): (15.82, 16.08),
    ("scp", 512): (21.76, 16.22),
}
# Absolute figures that these ratios imply, in millions and in G multiply-adds.
ABSOLUTE = {("base", 512): (7.87, 7.07), ("scp", 512): (7.95, 9.79), ("scp", 256): (1.99, 2.48)}


def costs(name: str, n_c: int) -> tuple[int, int]:
    """Return multiply-adds of the weights, and parameters."""
    with torch.device("meta"), torch.no_grad():
        network = NETWORKS[name](2, 3, 1, n_c).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, 160, 224))
        return counter.get_total_flops() // 2, count_parameters(network)


@pytest.mark.parametrize("key", PAPER)
def test_ratios_are_those_of_the_paper(key: tuple[str, int]) -> None:
    found = [own / unit for own, unit in zip(costs(*key), costs("base", 128), strict=True)]
    assert found == pytest.approx(PAPER[key], rel=0.03)


@pytest.mark.parametrize("key", ABSOLUTE)
def test_absolute_costs_are_those_of_the_paper(key: tuple[str, int]) -> None:
    operations, parameters = costs(*key)
    assert (parameters / 1e6, operations / 1e9) == pytest.approx(ABSOLUTE[key], rel=0.03)


def test_smaller_scp_saves_what_the_paper_says() -> None:
    saved = [1 - s / b for s, b in zip(costs("scp", 256), costs("base", 512), strict=True)]
    assert saved == pytest.approx([0.649, 0.747], abs=0.005)


@pytest.fixture(scope="module")
def scp_costs(root: Path) -> ModuleType:
    """The benchmark that prints the ratios."""
    path = root / "benchmarks/scp_costs.py"
    spec = importlib.util.spec_from_file_location("scp_costs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_memory_is_that_of_the_paper(scp_costs: ModuleType) -> None:
    """For Base and SCP; what the coordinates of Base F and Base B cost there is not told."""
    names = [(name, n_c) for name in ("base", "scp") for n_c in (128, 256, 512)]
    bytes_of = {key: scp_costs.measure(*key, batch=1).memory for key in names}
    for key, found in bytes_of.items():
        published = scp_costs.PAPER[key][0]
        assert found / bytes_of["base", 128] == pytest.approx(published, rel=0.03)
    saved = 1 - bytes_of["scp", 256] / bytes_of["base", 512]
    assert saved == pytest.approx(0.238, abs=0.02)


def test_patches_at_one_place_share_their_weights() -> None:
    network = NETWORKS["scp"](2, 1, 2, 32).eval()
    asked: list[int] = []
    network.head.phi.register_forward_hook(lambda _, given, __: asked.append(len(given[0])))
    images = torch.randn(3, 1, 16, 20)
    origins, sizes = torch.tensor([[2, 5]] * 3), torch.tensor([[40, 50]] * 3)
    together = network(images, origins, sizes)
    moved = torch.tensor([[2, 5], [2, 5], [9, 1]])
    apart = network(images, moved, sizes)
    assert asked == [1, 3]
    assert torch.allclose(together[:2], apart[:2], atol=1e-5)
    assert not torch.allclose(together[2], apart[2], atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_all_networks_take_slices_and_volumes(name: str) -> None:
    build = NETWORKS[name]
    assert build(2, 2, 3, 32).eval()(torch.randn(2, 2, 17, 30)).shape == (2, 3, 17, 30)
    assert build(3, 2, 1, 16).eval()(torch.randn(1, 2, 17, 16, 20)).shape == (1, 1, 17, 16, 20)
    with pytest.raises(TrainingError, match="expected"):
        build(2, 2, 1, 16)(torch.zeros(1, 1, 32, 32))


def test_position_code_of_a_volume_is_six_distances() -> None:
    code = position_code(torch.tensor([[1, 0, 2]]), torch.tensor([[8, 10, 5]]), (4, 5, 3))
    assert code.shape == (1, 6, 4, 5, 3)
    expected = [3 / 8, 4 / 10, 3 / 5, 5 / 8, 6 / 10, 2 / 5]
    assert code[0, :, 2, 4, 1].tolist() == pytest.approx(expected)


def test_position_code_is_four_distances_as_shares() -> None:
    code = position_code(torch.zeros(1, 2), torch.tensor([[4, 10]]), (4, 10))
    assert code.shape == (1, 4, 4, 10)
    for i, j in ((0, 0), (3, 9), (2, 5)):
        expected = [i / 4, j / 10, (4 - i) / 4, (10 - j) / 10]
        assert code[0, :, i, j].tolist() == pytest.approx(expected)


def test_a_patch_has_the_code_of_its_place() -> None:
    sizes = torch.tensor([[40, 50]])
    whole = position_code(torch.zeros(1, 2), sizes, (40, 50))
    patch = position_code(torch.tensor([[7, 11]]), sizes, (16, 20))
    assert torch.allclose(patch, whole[:, :, 7:23, 11:31], atol=1e-6)


def test_head_is_equation_13() -> None:
    head = SpatiallyCovariantHead(2, features=3, classes=2, hidden=5)
    features, positions = torch.randn(1, 3, 4, 6), torch.rand(1, 4, 4, 6)
    logits, weights = head(features, positions), head.weights(positions)
    residual = head.residual.weight[:, :, 0, 0]
    for i in range(4):
        for j in range(6):
            expected = (weights[0, :, :, i, j] + residual) @ features[0, :, i, j]
            assert torch.allclose(logits[0, :, i, j], expected, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_depend_on_the_place_in_all_but_base(name: str) -> None:
    network = NETWORKS[name](2, 1, 1, 16).eval()
    images, sizes = torch.randn(1, 1, 16, 16), torch.tensor([[64, 64]])
    corner = network(images, torch.tensor([[0, 0]]), sizes)
    middle = network(images, torch.tensor([[24, 24]]), sizes)
    assert torch.allclose(corner, middle) == (name == "base")
