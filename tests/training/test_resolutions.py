import numpy as np
import torch
from store_maker import make_arrays

from mribench.training.resolutions import OneResolutionSampler
from mribench.training.store import Case


def make_cases(spacings: list[tuple[float, ...]]) -> list[Case]:
    cases = []
    for number, spacing in enumerate(spacings):
        images, labels, mask = make_arrays(number, (20, 22, 12))
        cases.append(Case(f"sub-{number}", images, labels, mask, np.diag([*spacing, 1.0])))
    return cases


def test_each_batch_has_one_voxel_size_and_each_case_its_turn() -> None:
    sizes = [(1.0, 1.0, 1.0)] * 3 + [(0.5, 0.5, 3.0)]
    sampler = OneResolutionSampler(make_cases(sizes), (8, 8, 8), 3, 0.5, seed=0)
    coarse = 0
    for number in range(400):
        spacings = sampler.batch(number).spacings
        assert (spacings == spacings[0]).all()
        coarse += bool(spacings[0, 2] == 3)
    assert 70 < coarse < 130


def test_a_batch_depends_on_its_number_only() -> None:
    cases = make_cases([(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
    first, second = (OneResolutionSampler(cases, (8, 8, 8), 2, 0.5, seed=1) for _ in range(2))
    first.batch(0)
    assert torch.equal(first.batch(7).images, second.batch(7).images)
    assert not torch.equal(first.batch(7).images, first.batch(8).images)


def test_rounding_makes_no_new_voxel_size() -> None:
    cases = make_cases([(1.0, 1.0, 1.0), (1.0000002, 0.9999999, 1.0)])
    assert len(OneResolutionSampler(cases, (8, 8, 8), 2, 0.5, seed=0).samplers) == 1
