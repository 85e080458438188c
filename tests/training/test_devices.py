"""The choice of the device, on a machine where torch finds no GPU."""

import logging

import pytest
import torch

from mribench.errors import TrainingError
from mribench.training.devices import choose_device


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize("given", ["0", None])
def test_gpu_that_cannot_be_used_is_told_and_the_cpu_taken(monkeypatch, caplog, given):
    if given is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    with caplog.at_level(logging.WARNING, "mribench"):
        assert choose_device("auto").type == "cpu"
    assert ("given GPU 0" in caplog.text) is (given is not None)


def test_gpu_by_name_is_an_error_that_says_what_to_do():
    with pytest.raises(TrainingError, match="--device auto or cpu"):
        choose_device("cuda")
