"""Parts of a training on several devices that can be seen in one process."""

import pytest
import torch
from torch import nn

from mribench.errors import TrainingError
from mribench.training.batch_norm import SharedBatchNorm, share_statistics
from mribench.training.devices import count_devices
from mribench.training.job import Job
from mribench.training.ranks import ALONE, Ranks


def make_job(store, tmp_path, **changes):
    keys = {"store": store, "training": [], "validation": [], "fold": 0, "seed": 0}
    folders = {"run_folder": tmp_path, "checkpoint_folder": tmp_path, "device": "cuda"}
    return Job(name="tested", **{**keys, **folders, **changes})


@pytest.fixture
def gpus(monkeypatch):
    """Four GPUs that torch can use, of which the job was given as many as are named."""

    def give(visible):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        count = 4 if visible is None else len(visible.split(","))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return give


@pytest.mark.parametrize(
    ("visible", "batch_size", "used"),
    [(None, 8, 1), ("0", 8, 1), ("0,1", 8, 2), ("2,3", 1, 1), ("0,1,2,3", 2, 2)],
)
def test_gpus_that_the_job_was_given_are_used(
    store, tmp_path, gpus, caplog, visible, batch_size, used
):
    gpus(visible)
    assert count_devices(make_job(store, tmp_path), batch_size) == used
    idle = visible is not None and used < len(visible.split(","))
    assert ("uses 1 of 2 GPUs" in caplog.text or "uses 2 of 4" in caplog.text) is idle


def test_one_cpu_unless_more_processes_are_asked_for(store, tmp_path, gpus):
    gpus("0,1")
    assert count_devices(make_job(store, tmp_path, device="cpu"), 8) == 1
    assert count_devices(make_job(store, tmp_path, device="cpu", devices=3), 8) == 3


def test_more_gpus_than_there_are_is_refused(store, tmp_path, gpus):
    gpus("0,1")
    with pytest.raises(TrainingError, match="--devices 3: found 2 that torch can use"):
        count_devices(make_job(store, tmp_path, devices=3), 8)


@pytest.mark.parametrize(("count", "size"), [(3, 2), (8, 3), (4, 4), (14, 4)])
def test_shares_are_the_whole_batch_and_differ_by_one(count, size):
    shares = [list(range(count))[Ranks(rank, size).share(count)] for rank in range(size)]
    assert [number for share in shares for number in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("momentum", [0.1, None])
def test_shared_batch_normalisation_is_batch_normalisation(momentum):
    """Of one process: output, gradients and what is remembered, in training and prediction."""
    torch.manual_seed(0)
    images = torch.randn(3, 4, 5, 6) * 3 + 100
    plain = nn.Sequential(nn.BatchNorm2d(4, momentum=momentum))
    nn.init.normal_(plain[0].weight)
    nn.init.normal_(plain[0].bias)
    shared = nn.Sequential(nn.BatchNorm2d(4, momentum=momentum))
    shared.load_state_dict(plain.state_dict())
    share_statistics(shared, ALONE)
    assert isinstance(shared[0], SharedBatchNorm)
    results = []
    for network in (plain, shared):
        made = [images.clone().requires_grad_()]
        for _ in range(2):
            made.append(network(made[0]))
        (made[-1] ** 3).sum().backward()
        made += [made[0].grad, network[0].weight.grad, network[0].bias.grad]
        made += [*network.state_dict().values(), network.eval()(images)]
        results.append(made)
    for first, second in zip(*results, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-4)
