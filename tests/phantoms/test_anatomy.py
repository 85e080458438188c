from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mribench.dataset.phantoms.acquisition import quantise
from mribench.dataset.phantoms.anatomy import refine
from mribench.dataset.phantoms.contrast import HEAD_TISSUES
from mribench.dataset.phantoms.head import build_head
from mribench.dataset.phantoms.lesions import draw_lesions, grow_lesions
from mribench.dataset.phantoms.mimics import draw_mimics


def test_tissues_fill_the_brain_and_have_plausible_volumes(anatomy):
    total = anatomy.tissues.sum(axis=0)
    np.testing.assert_allclose(total[anatomy.brain], 1, atol=1e-5)
    assert not total[~anatomy.brain].any()
    grey, white, fluid = anatomy.tissues.sum(axis=(1, 2, 3)) / 1000
    assert 1200 < grey + white + fluid < 1800
    assert 500 < grey < 900
    assert 350 < white < 650
    assert 150 < fluid < 450


def test_brain_is_one_piece_and_ventricles_hold_fluid(anatomy):
    _, pieces = ndimage.label(anatomy.brain)
    assert pieces == 1
    inside = anatomy.ventricles < -1
    assert 3 < inside.sum() / 1000 < 120
    assert anatomy.tissues[2][inside].mean() > 0.9


@pytest.mark.parametrize("load_ml", [0.3, 5.0, 50.0])
def test_lesions_have_the_drawn_load_and_lie_in_white_matter(anatomy, load_ml):
    mask, strength = grow_lesions(np.random.default_rng(0), anatomy, load_ml)
    assert mask.sum() / 1000 == pytest.approx(load_ml, abs=0.001)
    assert anatomy.tissues[1][mask].min() > 0.5
    assert ((strength > 0) == mask).all()
    lesions = draw_lesions(np.random.default_rng(0), anatomy, (load_ml, load_ml))
    assert (lesions.fraction >= 0.5).sum() / 1000 == pytest.approx(load_ml, rel=0.15)


def test_lesion_density_falls_with_distance_from_the_ventricles(anatomy):
    edges = (1, 5, 10, 18, 40)
    white = anatomy.tissues[1] > 0.6
    found = np.zeros(white.shape)
    for seed in range(4):
        found += grow_lesions(np.random.default_rng(seed), anatomy, 10.0)[0]
    bands = [
        white & (anatomy.ventricles >= low) & (anatomy.ventricles < high)
        for low, high in pairwise(edges)
    ]
    density = [found[band].mean() for band in bands]
    assert density == sorted(density, reverse=True)
    assert density[0] > 5 * density[-1] > 0


def test_lesion_sizes_are_skewed_like_a_log_normal(anatomy):
    mask, _ = grow_lesions(np.random.default_rng(3), anatomy, 20.0)
    parts, count = ndimage.label(mask)
    sizes = np.bincount(parts.ravel())[1:]
    assert count > 15
    assert sizes.mean() > 1.4 * np.median(sizes)


def test_head_surrounds_the_brain_without_overlap(anatomy):
    head = build_head(np.random.default_rng(0), anatomy)
    total = np.zeros(anatomy.grid.shape, np.float32)
    total.ravel()[head.voxels] = head.fractions.sum(axis=0)
    assert total.max() <= 1 + 1e-5
    assert not total[anatomy.box][anatomy.brain].any()
    bone = head.signal((np.array(HEAD_TISSUES) == "bone").astype(np.float32), total.shape)
    shell = (anatomy.depth < -0.5) & (anatomy.depth > -1.5)
    assert bone[shell].mean() > 0.85
    far = anatomy.depth < -3
    fat = head.signal((np.array(HEAD_TISSUES) == "fat").astype(np.float32), total.shape)
    assert fat[far].sum() / 1000 > 150


def test_mimics_are_no_lesions_but_change_the_signal(anatomy):
    mimics = draw_mimics(np.random.default_rng(0), anatomy)
    near = (anatomy.ventricles > 0) & (anatomy.ventricles < 2)
    assert mimics.strength[near & (anatomy.tissues[2] < 0.2)].mean() > 0.02
    assert 0.05 < mimics.choroid.sum() / 1000 < 15
    assert not mimics.choroid[anatomy.ventricles > 1].any()


@settings(max_examples=25)
@given(st.tuples(*[st.integers(2, 11)] * 3))
def test_refining_agrees_with_linear_interpolation(shape):
    coarse_shape = [int(np.ceil(size / 2)) + 1 for size in shape]
    coarse = np.random.default_rng(0).standard_normal(coarse_shape).astype(np.float32)
    expected = ndimage.map_coordinates(coarse, np.indices(shape) / 2, order=1)
    np.testing.assert_allclose(refine(coarse, shape), expected, atol=1e-5)


@given(st.floats(0, 1), st.floats(0, 1))
def test_quantised_fractions_add_up_exactly(first, second):
    parts = quantise(np.array([first, second]) / max(first + second, 1))
    rest = np.float32(1) - parts.sum(dtype=np.float32)
    assert float(parts.sum(dtype=float)) + float(rest) == 1.0
