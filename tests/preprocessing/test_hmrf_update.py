"""One step of the Markov random field against plain loops, and its invariants."""

import itertools

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from mribench.preprocessing.hmrf import kernels
from mribench.preprocessing.hmrf.field import make_field, update
from mribench.preprocessing.hmrf.lattice import Workers, make_lattice, neighbour_weights
from mribench.preprocessing.hmrf.mixture import Classes, from_moments, log_densities, sample_moments
from mribench.preprocessing.hmrf.start import kmeans, start_classes

SPACING = (1.0, 0.8, 2.5)


@pytest.fixture
def random_field():
    """A ragged mask with values of two contrasts, and three classes."""
    generator = np.random.default_rng(4)
    mask = generator.random((5, 6, 9)) > 0.3
    images = generator.gamma(4.0, 30.0, (2, *mask.shape)).astype(np.float32)
    root = generator.normal(size=(3, 2, 2))
    covariances = root @ root.transpose(0, 2, 1) * 0.1 + 0.2 * np.eye(2)
    classes = Classes(generator.normal(-0.8, 0.4, (3, 2)), covariances)
    return make_field(images, make_lattice(mask, SPACING), 3), classes


def neighbours(shape, voxel):
    for step in itertools.product((-1, 0, 1), repeat=3):
        place = tuple(np.add(voxel, step))
        if any(step) and all(0 <= p < n for p, n in zip(place, shape, strict=True)):
            yield place, min(SPACING) / np.linalg.norm(np.multiply(step, SPACING))


def updated_by_loops(posteriors, energies, inside, mrf):
    """Even slabs before odd ones, rows in order, the voxels of a row at once."""
    result = posteriors.copy()
    shape = inside.shape
    slabs = [*range(1, shape[0], 2), *range(2, shape[0], 2)]
    for x, y in itertools.product(slabs, range(shape[1])):
        before = result.copy()
        for z in range(shape[2]):
            if inside[x, y, z]:
                support = sum(
                    weight * before[:, *place] for place, weight in neighbours(shape, (x, y, z))
                )
                terms = np.exp(energies[:, x, y, z] + mrf * support)
                result[:, x, y, z] = terms / terms.sum()
    return result


def energies_of(field, classes):
    values = field.values.reshape(len(field.values), -1).T.astype(float)
    return log_densities(values, classes).T.reshape(-1, *field.lattice.inside.shape)


def free_energy(posteriors, energies, inside, mrf):
    """What mean field makes small: entropy, data and neighbours (each pair counted once)."""
    total = 0.0
    for voxel in zip(*np.nonzero(inside), strict=True):
        here = posteriors[:, *voxel]
        support = sum(w * posteriors[:, *place] for place, w in neighbours(inside.shape, voxel))
        total += here @ (np.log(here) - energies[:, *voxel] - 0.5 * mrf * support)
    return total


@pytest.mark.parametrize("mrf", [0.0, 0.1, 0.3])
def test_update_equals_loops(random_field, mrf):
    field, classes = random_field
    energies, inside = energies_of(field, classes), field.lattice.inside > 0
    expected = np.where(inside, 1 / 3, 0) * np.ones((3, 1, 1, 1))
    for _ in range(3):
        expected = updated_by_loops(expected, energies, inside, mrf)
        with Workers(2) as workers:
            found = update(field, classes, mrf, workers)
        assert np.allclose(field.posteriors(), expected, atol=2e-5)
    values = field.values[:, inside].T.astype(float)
    wanted = from_moments(sample_moments(values, expected[:, inside].T))
    assert np.allclose(found.means, wanted.means, atol=1e-4)
    assert np.allclose(found.covariances, wanted.covariances, atol=1e-4)


@pytest.mark.parametrize("mrf", [0.05, 0.1, 0.18])
def test_free_energy_never_rises(random_field, mrf):
    field, classes = random_field
    energies, inside = energies_of(field, classes), field.lattice.inside > 0
    found = []
    with Workers(1) as workers:
        for _ in range(6):
            update(field, classes, mrf, workers)
            found.append(free_energy(field.posteriors().astype(float), energies, inside, mrf))
    assert np.all(np.diff(found) <= 1e-3)
    assert found[-1] < found[0]


def test_without_neighbours_the_classes_are_those_of_a_gaussian_mixture():
    generator = np.random.default_rng(1)
    levels = np.repeat([60.0, 160.0, 260.0], 4000)
    image = (levels * np.exp(generator.normal(0, 0.08, levels.size))).reshape(20, 20, 30)
    field = make_field([image.astype(np.float32)], make_lattice(image > 0, (1, 1, 1)), 3)
    values = field.values[0][field.lattice.inside > 0][:, None].astype(float)
    peer = GaussianMixture(3, means_init=np.quantile(values, [0.16, 0.5, 0.84])[:, None]).fit(
        values
    )
    classes = start_classes(values, 3)
    with Workers(2) as workers:
        for _ in range(5):
            classes = update(field, classes, 0.0, workers)
    assert np.allclose(classes.means, np.sort(peer.means_, axis=0), atol=2e-3)
    assert np.allclose(classes.covariances, peer.covariances_, atol=1e-3)


def test_exponential_is_that_of_numpy():
    exponents = np.linspace(-20, 0, 10_001, dtype=np.float32)
    found = exponents.copy()
    kernels.exponential(found)
    assert np.allclose(found, np.exp(exponents.astype(float)), rtol=2e-5, atol=0)
    below = np.array([-1e4, -21], np.float32)
    kernels.exponential(below)
    assert np.all((below > 0) & (below < 3e-9))


def test_weights_fall_with_distance_in_mm():
    weights = neighbour_weights((1.0, 1.0, 3.0))
    assert weights[0, 0, 0] == 0
    assert weights[1, 0, 0] == weights[0, 1, 0] == 1
    assert weights[1, 1, 0] == pytest.approx(1 / np.sqrt(2))
    assert weights[0, 0, 1] == pytest.approx(1 / 3)
    assert weights[1, 1, 1] == pytest.approx(1 / np.sqrt(11))


def test_kmeans_separates_clusters_and_ignores_outliers():
    values = np.concatenate(
        [np.full(500, 10.0), np.full(300, 20.0), np.full(200, 31.0), [1e6, 1e7]]
    )
    assert np.bincount(kmeans(values, 3)).tolist() == [500, 300, 202]
