from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mribench.training.patches import PatchSampler, read_block
from mribench.training.store import Case, CaseStore


def make_case(shape: tuple[int, int, int], lesion: tuple[int, int, int] | None) -> Case:
    """A case whose only contrast numbers its voxels from 1, with one lesion voxel."""
    images = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(1, *shape)
    labels = np.zeros(shape, dtype=np.uint8)
    if lesion is not None:
        labels[lesion] = 1
    return Case("sub-01", images, labels, np.ones(shape, np.uint8), np.diag([1.0, 2, 3, 1]))


def sampler(cases: list[Case], **changes: Any) -> PatchSampler:
    keys = {"patch_size": (6, 5), "plane_axis": 2, "batch_size": 4, "foreground": 0.5, "seed": 0}
    return PatchSampler(cases, **{**keys, **changes})


@given(
    st.tuples(*[st.integers(-6, 6)] * 3),
    st.tuples(*[st.integers(7, 12)] * 3),
)
def test_block_equals_cut_of_padded_array(
    origin: tuple[int, int, int], shape: tuple[int, int, int]
) -> None:
    array = np.random.default_rng(0).random((2, 7, 8, 9))
    padded = np.pad(array, [(0, 0)] + [(20, 20)] * 3)
    x, y, z = (20 + first for first in origin)
    expected = padded[:, x : x + shape[0], y : y + shape[1], z : z + shape[2]]
    assert np.array_equal(read_block(array, origin, shape), expected)


@pytest.mark.parametrize("plane_axis", [0, 1, 2])
def test_slices_are_those_of_the_volume(plane_axis: int) -> None:
    case = make_case((7, 8, 9), (3, 4, 5))
    batch = sampler([case], plane_axis=plane_axis).batch(3)
    kept = [axis for axis in range(3) if axis != plane_axis]
    assert batch.sizes.tolist() == [[case.shape[axis] for axis in kept]] * 4
    assert batch.spacings.tolist() == [[case.spacing[axis] for axis in kept]] * 4
    volume = case.images[0]
    for image, (row, column) in zip(batch.images[:, 0], batch.origins.tolist(), strict=True):
        number = int(image[image > 0][0]) - 1
        index = int(np.unravel_index(number, case.shape)[plane_axis])
        plane = np.take(volume, index, axis=plane_axis)[None]
        expected = read_block(plane, (0, row, column), (1, 6, 5))[0]
        assert np.array_equal(image.numpy(), expected)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.1, 1), (0.5, 2), (1.0, 4)])
def test_foreground_share_is_kept(share: float, count: int) -> None:
    case = make_case((20, 20, 20), (10, 10, 10))
    patches = sampler([case], foreground=share, patch_size=(4, 4, 4), plane_axis=None)
    for number in range(5):
        found = patches.batch(number).labels.flatten(1).any(dim=1)
        assert found[:count].all()
    assert patches.foreground_count == count


def test_foreground_patches_move_around_the_lesion() -> None:
    case = make_case((20, 20, 20), (10, 10, 10))
    patches = sampler([case], foreground=1.0, patch_size=(4, 4, 4), plane_axis=None)
    origins = torch.cat([patches.batch(number).origins for number in range(60)])
    assert origins.amin(dim=0).tolist() == [7, 7, 7]
    assert origins.amax(dim=0).tolist() == [10, 10, 10]


def test_cases_are_equally_likely() -> None:
    cases = [make_case((4, 4, 4), None), make_case((16, 16, 16), None)]
    patches = sampler(cases, patch_size=(4, 4, 4), plane_axis=None)
    sizes = torch.cat([patches.batch(number).sizes[:, 0] for number in range(100)])
    assert 0.4 < (sizes == 4).float().mean() < 0.6


def test_small_image_is_padded_around() -> None:
    case = make_case((4, 4, 3), (1, 1, 1))
    batch = sampler([case], patch_size=(8, 9)).batch(0)
    assert batch.images.shape == (4, 1, 8, 9)
    assert batch.origins.tolist() == [[-2, -2]] * 4
    assert (batch.images > 0).sum() == 4 * 16


def test_a_batch_depends_on_seed_and_number_only(store: CaseStore) -> None:
    cases = [store.open(name) for name in ("sub-01", "sub-02")]
    first, second = sampler(cases), sampler(cases)
    second.batch(0)
    for one, other in zip(first.batch(7), second.batch(7), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(first.batch(7).images, first.batch(8).images)
    assert not torch.equal(first.batch(7).images, sampler(cases, seed=1).batch(7).images)
