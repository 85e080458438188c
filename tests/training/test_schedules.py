import pytest
import torch

from mribench.training.schedules import learning_rate


def test_halving_halves_at_each_milestone() -> None:
    rates = [learning_rate("halving", 1.0, epoch / 10, (0.5, 0.7, 0.9)) for epoch in range(10)]
    assert rates == [1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_cosine_agrees_with_torch() -> None:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=20)
    for epoch in range(20):
        assert learning_rate("cosine", 0.1, epoch / 20) == pytest.approx(peer.get_last_lr()[0])
        optimiser.step()
        peer.step()


def test_poly_agrees_with_torch() -> None:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    peer = torch.optim.lr_scheduler.PolynomialLR(optimiser, total_iters=20, power=0.9)
    for epoch in range(20):
        assert learning_rate("poly", 0.1, epoch / 20) == pytest.approx(peer.get_last_lr()[0])
        optimiser.step()
        peer.step()


def test_constant_stays() -> None:
    assert learning_rate("constant", 0.3, 0.99) == 0.3
