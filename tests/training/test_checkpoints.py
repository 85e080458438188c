import logging
from pathlib import Path

import pytest
import torch

from mribench.training.checkpoints import (
    State,
    flatten_optimiser,
    join_groups,
    load_state,
    remove_states,
    restore_optimiser,
    save_state,
    split_groups,
)


def make_state(value: float) -> State:
    tensors = {"network/a.b": torch.full((2, 3), value), "loss/sum": torch.tensor(value)}
    return State(tensors, {"seen": value, "rows": [{"epoch": 1, "dice": 0.1 + value}]})


def assert_equal(found: State | None, expected: State) -> None:
    assert found is not None
    assert found.content == expected.content
    assert found.tensors.keys() == expected.tensors.keys()
    assert all(torch.equal(found.tensors[name], expected.tensors[name]) for name in found.tensors)


def test_newest_state_comes_back_and_two_are_kept(tmp_path: Path) -> None:
    for number in (1, 5, 10, 200):
        save_state(tmp_path, number, make_state(number))
    assert_equal(load_state(tmp_path), make_state(200))
    assert len(list(tmp_path.iterdir())) == 4


def test_nothing_saved_is_nothing_loaded(tmp_path: Path) -> None:
    assert load_state(tmp_path / "missing") is None


@pytest.mark.parametrize("suffix", ["safetensors", "json"])
@pytest.mark.parametrize("damage", ["truncate", "change", "delete"])
def test_damaged_state_falls_back_to_the_one_before(
    tmp_path: Path, suffix: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2):
        save_state(tmp_path, number, make_state(number))
    path = tmp_path / f"{2:09d}.{suffix}"
    content = path.read_bytes()
    changed = content[:-20] + bytes([content[-20] ^ 1]) + content[-19:]
    damaged = {"truncate": content[:-4], "change": changed, "delete": None}
    path.unlink()
    if damaged[damage] is not None:
        path.write_bytes(damaged[damage])
    with caplog.at_level(logging.WARNING, "mribench"):
        assert_equal(load_state(tmp_path), make_state(1))
    gone = suffix == "json" and damage == "delete"
    assert gone or "damaged state passed over" in caplog.text


def test_a_pickle_is_no_state(tmp_path: Path) -> None:
    save_state(tmp_path, 1, make_state(1))
    torch.save({"a": 1}, tmp_path / f"{1:09d}.safetensors")
    assert load_state(tmp_path) is None


def test_states_of_other_settings_go_too(tmp_path: Path) -> None:
    for spec in ("old", "new"):
        save_state(tmp_path / "run" / spec, 1, make_state(1))
    remove_states(tmp_path / "run" / "new")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_optimiser_goes_on_alike(kind: type[torch.optim.Optimizer]) -> None:
    def make() -> tuple[torch.Tensor, torch.optim.Optimizer]:
        weight = torch.ones(3, requires_grad=True)
        momentum = {"momentum": 0.9} if kind is torch.optim.SGD else {}
        return weight, kind([weight], lr=0.1, **momentum)

    def step(weight: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
        optimiser.zero_grad()
        (weight**3).sum().backward()
        optimiser.step()

    first, optimiser = make()
    step(first, optimiser)
    second, other = make()
    with torch.no_grad():
        second.copy_(first)
    tensors = flatten_optimiser(optimiser.state_dict())
    copies = {name: tensor.clone() for name, tensor in tensors.items()}
    joined = split_groups(join_groups({"optimiser": copies}))["optimiser"]
    other.load_state_dict(restore_optimiser(other.state_dict(), joined))
    step(first, optimiser)
    step(second, other)
    assert torch.equal(first, second)
