"""Test-time flips and averages of several models."""

import numpy as np
from store_maker import make_arrays

from mribench.training.ensembles import average, average_flips, mirror
from mribench.training.store import Case


def make_case() -> Case:
    images, labels, mask = make_arrays(0, (8, 7, 6))
    return Case("sub-01", images, labels, mask, np.diag([1.0, 2, 3, 1]))


def test_flips_do_not_change_what_looks_at_voxels_alone() -> None:
    case, seen = make_case(), []

    def predict(one: Case) -> np.ndarray:
        seen.append(one)
        return np.asarray(one.images[:1])

    assert np.array_equal(average_flips(predict, case, ()), case.images[:1])
    assert len(seen) == 1
    assert np.allclose(average_flips(predict, case, ("x", "y", "z")), case.images[:1], atol=1e-6)
    assert len(seen) == 1 + 8
    assert {one.spacing for one in seen} == {(1.0, 2.0, 3.0)}


def test_flips_average_what_depends_on_the_place() -> None:
    case = make_case()
    ramp = np.broadcast_to(np.arange(8.0).reshape(1, 8, 1, 1), (1, 8, 7, 6))
    assert np.allclose(average_flips(lambda one: ramp, case, ("x",)), 3.5)
    assert np.allclose(average_flips(lambda one: ramp, case, ("y",)), ramp)


def test_a_mirrored_case_has_all_arrays_reversed() -> None:
    case, flipped = make_case(), mirror(make_case(), ("x", "z"))
    assert np.array_equal(flipped.images, case.images[:, ::-1, :, ::-1])
    assert np.array_equal(flipped.labels, case.labels[::-1, :, ::-1])
    assert np.array_equal(flipped.mask, case.mask[::-1, :, ::-1])


def test_several_models_are_averaged_and_one_is_left_alone() -> None:
    one, other = np.full((1, 2, 2, 2), 0.25), np.full((1, 2, 2, 2), 0.75)
    assert average([one]) is one
    assert (average([one, other]) == 0.5).all()
