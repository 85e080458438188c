import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from mribench.dataset.phantoms.fields import evaluate, knot_counts, smooth_field, spline_weights


@given(
    size=st.integers(1, 60),
    spacing=st.floats(0.3, 5.0),
    knot_mm=st.floats(1.0, 120.0),
    start_mm=st.floats(0.0, 50.0),
)
def test_spline_weights_sum_to_one(size, spacing, knot_mm, start_mm):
    weights = spline_weights(size, spacing, knot_mm, start_mm)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)


@given(seed=st.integers(0, 1000), knot_mm=st.floats(2.0, 30.0), start_mm=st.floats(0.0, 9.0))
def test_spline_agrees_with_scipy(seed, knot_mm, start_mm):
    weights = spline_weights(25, 0.8, knot_mm, start_mm)
    coefficients = np.random.default_rng(seed).standard_normal(weights.shape[1])
    knots = (np.arange(len(coefficients) + 4) - 3) * knot_mm
    expected = BSpline(knots, coefficients, 3)(start_mm + 0.8 * np.arange(25))
    np.testing.assert_allclose(weights @ coefficients, expected, atol=1e-3)


def test_block_of_a_field_equals_the_same_block_of_the_whole():
    spacing = (1.0, 1.0, 1.0)
    drawn = np.random.default_rng(0).standard_normal(knot_counts((30, 40, 20), spacing, 6.0))
    whole = evaluate(drawn, (30, 40, 20), spacing, 6.0)
    block = evaluate(drawn, (10, 12, 8), spacing, 6.0, start_mm=(5.0, 7.0, 3.0))
    np.testing.assert_allclose(block, whole[5:15, 7:19, 3:11], atol=1e-5)


@pytest.mark.parametrize("knot_mm", [2.0, 5.0])
def test_smooth_field_has_unit_variance_and_is_smooth(knot_mm):
    field = smooth_field(np.random.default_rng(3), (90, 80, 70), (1.0,) * 3, knot_mm)
    assert field.dtype == np.float32
    assert abs(field.mean()) < 0.1
    assert field.std() == pytest.approx(1, abs=0.08)
    neighbours = np.corrcoef(field[1:].ravel(), field[:-1].ravel())[0, 1]
    assert neighbours > 0.75
